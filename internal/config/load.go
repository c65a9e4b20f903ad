// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/internal/trust"
)

// Options are what Load takes from its surroundings. The zero Options are those
// of the daemon.
type Options struct {
	// Node is this node's name. It wins over the file and the host name.
	Node string
	// Socket is the path of the control socket. It wins over the file.
	Socket string
	// AnyNode allows this machine to be none of the nodes; Config.Node is then
	// empty.
	AnyNode bool
	// SkipFiles leaves all files alone that the configuration names: it is meant for
	// another machine.
	SkipFiles bool

	// Daemon says that this process is the daemon, so that its user is the daemon's.
	Daemon bool

	Hostname func() (string, error)                // nil: os.Hostname
	ReadFile func(path string) ([]byte, error)     // nil: the file itself
	Changed  func(path string) (ago time.Duration) // nil: by the file's modification time
	RunAs    func(user string) error               // nil: health.RunAs

	// ReadSecret, Fixed and Program look at files as trust.Users does. Nil: they do.
	ReadSecret func(u trust.Users, path string, most int64) (trust.Secret, error)
	Fixed      func(u trust.Users, path string) error
	Program    func(u trust.Users, name string) error

	Names    func() []string                                    // nil: registry.Names
	Describe func(provider string) (registry.Description, bool) // nil: registry.Describe
}

// builder turns a raw file into a Config. It reports and goes on, so it must
// expect every value to be missing.
type builder struct {
	reporter
	opts Options
	raw  rawFile
	dir  string // the folder of the file, absolute
	cfg  *Config

	addressPaths [][]string // by group, where each of its addresses stands
}

// Load reads and validates a configuration file. If it has problems that keep it
// from being used, the error is of type [Problems] and holds all of them,
// warnings included.
func Load(path string, o Options) (*Config, error) {
	o = o.withDefaults()
	b := &builder{opts: o, cfg: defaults()}
	b.cfg.Path = path
	b.file, b.places, b.offered = path, map[string]place{}, b.optionsIn
	if dir, err := filepath.Abs(filepath.Dir(path)); err == nil {
		b.dir = dir
	}
	b.load(path)
	if o.Socket != "" {
		b.cfg.Control.Socket = o.Socket
	}
	problems := b.sorted()
	if len(problems.Errors()) > 0 {
		return nil, problems
	}
	b.cfg.Warnings = problems
	return b.cfg, nil
}

// load goes from the whole to the parts, and ends with what parts say about each
// other. What one step could not make sense of, the next ones leave out.
func (b *builder) load(path string) {
	text, err := b.readConfig(path)
	if err != nil {
		b.report(Error, place{}, "", err.Error())
		b.problems[0].Unread = !misnamed(err)
		return
	}
	root := b.parse(text)
	if root == nil {
		return
	}
	b.decode(root, &b.raw)

	b.stateDir()
	b.trusted()
	b.cluster()
	b.nodes()
	b.self()
	b.groups()
	b.listen()
	b.control()
	b.metrics()
	b.log()
	b.providers()
	b.relations()
}

// readConfig reads the file itself.
func (b *builder) readConfig(path string) ([]byte, error) {
	text, err := b.opts.ReadFile(path)
	switch {
	case trust.Passing(err):
		return nil, fmt.Errorf("cannot be read at the moment: %w; try again", bare(err))
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w; name the file with --config", bare(err))
	}
	return text, nil
}

// misnamed reports whether there is no file where the configuration was to be, which is no
// matter of when it is read: another was meant.
func misnamed(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR)
}

// readBounded reads a file, or as much of it as shows that it is too large.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, fileMax+1))
}

// changedAgo returns how long ago a file was changed. Of one that cannot be looked at, or was
// changed in what is the future here, it cannot be told: never, then, for whoever asks
// whether that was just now.
func changedAgo(path string) time.Duration {
	info, err := os.Stat(path)
	if err != nil || info.ModTime().After(time.Now()) {
		return math.MaxInt64
	}
	return time.Since(info.ModTime())
}

func (o Options) withDefaults() Options {
	if o.RunAs == nil {
		o.RunAs = health.RunAs
	}
	if o.Hostname == nil {
		o.Hostname = os.Hostname
	}
	if o.ReadFile == nil {
		o.ReadFile = readBounded
	}
	if o.Changed == nil {
		o.Changed = changedAgo
	}
	if o.ReadSecret == nil {
		o.ReadSecret = trust.Users.ReadSecret
	}
	if o.Fixed == nil {
		o.Fixed = trust.Users.Fixed
	}
	if o.Program == nil {
		o.Program = func(u trust.Users, name string) error {
			_, err := u.Program(name)
			return err
		}
	}
	if o.Describe == nil {
		o.Describe = registry.Describe
	}
	if o.Names == nil {
		o.Names = registry.Names
	}
	return o
}

// absolute returns a path of the file as an absolute one.
func (b *builder) absolute(t *text) string {
	path := string(*t)
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.dir, path)
	}
	return filepath.Clean(path)
}

// join returns the path of a key below another. A key that would not be seen as
// one is put in quotes.
func join(path, key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }) {
		key = strconv.Quote(key)
	}
	key = clip(key)
	if path == "" {
		return key
	}
	return path + "." + key
}
