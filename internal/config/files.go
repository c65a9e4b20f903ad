// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/fipctl/fipctl/internal/trust"
	"github.com/fipctl/fipctl/pkg/election/wire"
)

// secretMax bounds a file with a secret, in bytes. A key pair with its token has some 2 KiB.
const secretMax = 64 << 10

// trusted decides who may own and change what the daemon relies on, and says who else can
// change the file itself. That is no error: where a tool delivers the file, it is the
// tool's user.
func (b *builder) trusted() {
	b.cfg.Trusted = trust.Daemon(b.cfg.StateDir)
	if b.opts.Daemon {
		b.cfg.Trusted = trust.Process(b.cfg.StateDir)
	}
	var in *trust.Error
	if !b.opts.SkipFiles && errors.As(b.opts.Fixed(b.cfg.Trusted, b.file), &in) {
		b.report(Warning, place{1, 1}, "", "whoever can change this file decides what runs and where addresses go: "+in.Text)
	}
}

// keyFile reads the keys of the cluster. The problems are reported where the
// file is named.
func (b *builder) keyFile(path, file string) {
	text, ok := b.secretFile(path, file, "run \"fipctl keygen --output "+file+"\" on one node and copy the file to all")
	if !ok {
		return
	}
	ring, err := wire.ParseKeyring(text)
	if err != nil {
		b.errorf(path, "%s: %s", file, strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	b.cfg.Cluster.Keyring = ring
}

// secretFile reads a file that only root and the daemon's user may have in their hands.
// The remedy says how to get one.
func (b *builder) secretFile(path, file, remedy string) (text []byte, ok bool) {
	if b.opts.SkipFiles {
		return nil, false
	}
	secret, err := b.opts.ReadSecret(b.cfg.Trusted, file, secretMax)
	var in *trust.Error
	switch {
	case errors.Is(err, fs.ErrNotExist):
		b.unreadf(path, "%s does not exist; %s", file, remedy)
	case errors.As(err, &in):
		b.errorf(path, "%s", in.Text)
	case trust.Passing(err):
		b.unreadf(path, "%s cannot be read at the moment: %v; try again", file, bare(err))
	case err != nil:
		b.unreadf(path, "%s cannot be read: %v; run fipctl as the user who owns it, and see the permissions of the folders above it", file, bare(err))
	default:
		if b.cfg.Trusted.Guessed(secret.Owner) {
			b.warnf(path, "%s belongs to %s, and whether the daemon runs as that user cannot be told before it has run once; run: sudo -u %s fipctl check",
				file, trust.Name(secret.Owner), trust.Sudo(secret.Owner))
		}
		return secret.Text, true
	}
	return nil, false
}

// program reports a program of a check that others could replace, or put where there is
// none. That it is not there, or cannot be run, is the check's business, which looks again
// before each run, and so is what a shell is told to run. Of a name with a placeholder
// the folders before it are looked at.
func (b *builder) program(path string, argv []string) {
	if b.opts.SkipFiles || len(argv) == 0 {
		return
	}
	name, _, open := strings.Cut(argv[0], "{")
	if open {
		name = name[:strings.LastIndex(name, "/")+1]
	}
	if name == "" {
		return
	}
	var in *trust.Error
	if errors.As(b.opts.Program(b.cfg.Trusted, name), &in) {
		b.errorf(path, "%s", in.Text)
	}
}

// bare returns the cause of an error about a path that the message names already.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
