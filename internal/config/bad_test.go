// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fipctl/fipctl/internal/trust"

	"github.com/google/go-cmp/cmp"
)

// badCase is a file and everything that Load says about it, warnings of a usable
// file included: "line: path: text" for every problem, in order.
type badCase struct {
	name string
	file string   // the whole file, or
	edit []string // pairs of old and new texts in the good file
	want string
}

// text returns the file of the case.
func (c badCase) text(t *testing.T) string {
	t.Helper()
	if c.edit == nil {
		return c.file
	}
	out := good
	for i := 0; i < len(c.edit); i += 2 {
		if !strings.Contains(out, c.edit[i]) {
			t.Fatalf("the file has no %q", c.edit[i])
		}
		out = strings.Replace(out, c.edit[i], c.edit[i+1], 1)
	}
	return out
}

func TestBadFilesAreExplained(t *testing.T) {
	t.Parallel()
	for _, table := range [][]badCase{badYAML, badNodes, badGroups, badChecks} {
		for _, c := range table {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				text := c.text(t)
				if diff := cmp.Diff(c.want, problemsOf(machine(text).options())); diff != "" {
					t.Errorf("problems (-want +got):\n%s\nof\n%s", diff, text)
				}
			})
		}
	}
}

func TestTheGoodFileHasNoProblem(t *testing.T) {
	t.Parallel()
	if got := problemsOf(machine(good).options()); got != "" {
		t.Errorf("problems: %s", got)
	}
}

func TestSecretFilesAreLookedAt(t *testing.T) {
	t.Parallel()
	const keyFile, tokenFile = "/etc/fipctl/cluster.key", "/etc/fipctl/do.token"
	tests := []struct {
		name   string
		file   string
		mode   fs.FileMode
		data   string
		remove bool
		want   string
	}{
		{name: "a key file that everybody can read", file: keyFile, mode: 0o644, data: key,
			want: "3: cluster.key_file: /etc/fipctl/cluster.key is open to others"},
		{name: "a key file that its group can read", file: keyFile, mode: 0o640, data: key,
			want: "3: cluster.key_file: /etc/fipctl/cluster.key is open to others"},
		{name: "a key file that others can write", file: keyFile, mode: 0o602, data: key,
			want: "3: cluster.key_file: /etc/fipctl/cluster.key is open to others"},
		{name: "a key file without a key", file: keyFile, mode: 0o600, data: "# none\n",
			want: "3: cluster.key_file: /etc/fipctl/cluster.key: parse key file: no key in it; write one with `fipctl keygen`"},
		{name: "a key file with two bad lines", file: keyFile, mode: 0o600, data: "c2hvcnQ=\n" + key + "***\n",
			want: "3: cluster.key_file: /etc/fipctl/cluster.key: parse key file: line 1: a key of 5 bytes, must be 32; write one with `fipctl keygen`; line 3: not base64; a key is one line written by `fipctl keygen`"},
		{name: "a token file that its group can read", file: tokenFile, mode: 0o640,
			want: "15: providers.digitalocean.token_file: /etc/fipctl/do.token is open to others"},
		{name: "a token file that only its owner can read", file: tokenFile, mode: 0o400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := machine(good + "providers: {digitalocean: {token_file: do.token}}\n")
			d[tt.file].Mode, d[tt.file].Data = tt.mode, []byte(tt.data)
			if got := problemsOf(d.options()); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			o := d.options()
			o.SkipFiles = true
			if got := problemsOf(o); got != "" {
				t.Errorf("with SkipFiles: %s", got)
			}
		})
	}
}

func TestWhatOthersCanChangeIsRefusedAndAFileLikeThatIsWarnedAbout(t *testing.T) {
	t.Parallel()
	text := strings.Replace(good, `http: "http://127.0.0.1/healthz"`, "exec: [/usr/local/bin/serves, x]", 1)
	o := machine(text).options()
	o.Fixed = func(_ trust.Users, name string) error { return &trust.Error{Text: name + " is in other hands"} }
	o.Program = func(_ trust.Users, name string) error { return o.Fixed(trust.Users{}, "/found"+name) }
	want := "1: warning: whoever can change this file decides what runs and where addresses go: " + path + " is in other hands\n" +
		"14: groups[0].checks[0].exec: /found/usr/local/bin/serves is in other hands"
	if got := problemsOf(o); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	o.SkipFiles = true
	if got := problemsOf(o); got != "" {
		t.Errorf("for another machine: %s", got)
	}
	o = machine(text).options()
	o.Program = func(trust.Users, string) error { return os.ErrNotExist }
	if got := problemsOf(o); got != "" {
		t.Errorf("a program that is not there: %s", got)
	}
	o.ReadSecret = func(trust.Users, string, int64) (trust.Secret, error) {
		return trust.Secret{Text: []byte(key), Owner: 4000000001}, nil
	}
	text = strings.Replace(text, "cluster:", "state_dir: /nonexistent/state\ncluster:", 1)
	o.ReadFile = machine(text).options().ReadFile
	want = "4: warning: cluster.key_file: /etc/fipctl/cluster.key belongs to uid 4000000001, and whether the daemon runs as that user cannot be told before it has run once; " +
		"run: sudo -u '#4000000001' fipctl check"
	if got := problemsOf(o); got != want {
		t.Errorf("before the first run:\ngot  %s\nwant %s", got, want)
	}
	o.Daemon = true
	if got := problemsOf(o); got != "" {
		t.Errorf("the daemon itself: %s", got)
	}
}

func TestOfAProgramWithAPlaceholderTheFoldersBeforeItAreLookedAt(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]string{
		"/opt/{node}/check": "/opt/", "/opt/check-{node}": "/opt/", "/opt/check": "/opt/check", "check": "check", "check-{node}": "",
	} {
		looked := ""
		o := machine(strings.Replace(good, `http: "http://127.0.0.1/healthz"`, `exec: ["`+program+`"]`, 1)).options()
		o.Program = func(_ trust.Users, name string) error {
			looked = name
			return nil
		}
		if got := problemsOf(o); got != "" || looked != want {
			t.Errorf("%s: looked at %q, want %q; problems %q", program, looked, want, got)
		}
	}
}

func TestAProgramIsJudgedWhetherItIsThereOrNot(t *testing.T) {
	t.Parallel()
	open := filepath.Join(t.TempDir(), "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(open, "plain"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plain", "absent", "absent/deeper", "check-{node}"} {
		o := machine(strings.Replace(good, `http: "http://127.0.0.1/healthz"`, `exec: ["`+filepath.Join(open, name)+`"]`, 1)).options()
		o.Program = nil
		if got, want := problemsOf(o), "14: groups[0].checks[0].exec: the folder "+open+" is open to others"; !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %s", name, got, want)
		}
	}
}

func TestUnreadableFilesAreExplained(t *testing.T) {
	t.Parallel()
	d := machine(good)
	delete(d, path)
	if got, want := problemsOf(d.options()), " cannot be read: file does not exist; name the file with --config"; got != want {
		t.Errorf("no configuration:\ngot  %s\nwant %s", got, want)
	}
	o := machine(good).options()
	o.ReadSecret = func(_ trust.Users, name string, _ int64) (trust.Secret, error) {
		if strings.HasSuffix(name, ".key") {
			return trust.Secret{}, &fs.PathError{Op: "open", Path: name, Err: os.ErrPermission}
		}
		return trust.Secret{}, nil
	}
	want := "3: cluster.key_file: /etc/fipctl/cluster.key cannot be read: permission denied; run fipctl as the user who owns it, and see the permissions of the folders above it"
	if got := problemsOf(o); got != want {
		t.Errorf("a key file of somebody else:\ngot  %s\nwant %s", got, want)
	}
}

// TestWhatCouldNotBeReadIsNoWrongContent: a daemon that starts again may find it. Where both
// are there the content is what matters.
func TestWhatCouldNotBeReadIsNoWrongContent(t *testing.T) {
	t.Parallel()
	failing := func(text string, config, secret error) Options {
		o := machine(text).options()
		if config != nil {
			o.ReadFile = func(string) ([]byte, error) { return nil, &fs.PathError{Op: "open", Path: path, Err: config} }
		}
		if secret != nil {
			o.ReadSecret = func(_ trust.Users, name string, _ int64) (trust.Secret, error) {
				return trust.Secret{}, &fs.PathError{Op: "open", Path: name, Err: secret}
			}
		}
		return o
	}
	wrong := strings.Replace(good, "id: web", "id: \"w b\"", 1)
	for name, tc := range map[string]struct {
		o    Options
		want bool
	}{
		"the file, at a limit":           {failing(good, syscall.EMFILE, nil), true},
		"the file, by its permission":    {failing(good, syscall.EACCES, nil), true},
		"no such file":                   {failing(good, syscall.ENOENT, nil), false},
		"a folder":                       {failing(good, syscall.EISDIR, nil), false},
		"a key that is not there":        {failing(good, nil, syscall.ENOENT), true},
		"a key, at a limit":              {failing(good, nil, syscall.ENFILE), true},
		"a key, by its permission":       {failing(good, nil, syscall.EACCES), true},
		"a wrong value":                  {failing(wrong, nil, nil), false},
		"a wrong value, and also no key": {failing(wrong, nil, syscall.ENOENT), false},
		"a key that is in others' hands": {failing(good, nil, &trust.Error{Text: "open to others"}), false},
	} {
		_, err := Load(path, tc.o)
		var problems Problems
		if !errors.As(err, &problems) || problems.Unread() != tc.want {
			t.Errorf("%s: got unread %v, want %v: %v", name, problems.Unread(), tc.want, err)
		}
	}
}

// TestAsManyGroupsAsThereAreVRIDsAreGood: they travel in several datagrams.
func TestAsManyGroupsAsThereAreVRIDsAreGood(t *testing.T) {
	t.Parallel()
	text := good
	for vrid := 1; vrid <= 255; vrid++ {
		if vrid != 51 {
			text += fmt.Sprintf("  - {name: g%d, vrid: %d, priority: {lb-a: 110}, checks: [{name: x, process: x}],\n"+
				"     addresses: [{provider: other, kind: eip, ip: 198.51.100.%d}]}\n", vrid, vrid, vrid)
		}
	}
	if got := problemsOf(machine(text).options()); got != "" {
		t.Error(got)
	}
}

func TestNamesWithWhichNotOneGroupFitsIntoADatagramAreRefused(t *testing.T) {
	t.Parallel()
	text := good
	for i := range 14 {
		node := fmt.Sprintf("  - {name: %s%02d, address: 10.0.4.%d}\ngroups:", strings.Repeat("n", 60), i, 100+i)
		text = strings.Replace(text, "groups:", node, 1)
	}
	got, _, _ := strings.Cut(problemsOf(machine(text).options()), "\n")
	const want = "4: nodes: what 16 nodes with names this long and 1 provider say of one group can take 1279 bytes, a datagram has 1200; " +
		"shorten names by 79 bytes in all, or make a second cluster"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestThisNodeIsNeverGuessed(t *testing.T) {
	t.Parallel()
	withNode := "node: lb-b\n" + good
	named := func(name string, err error) func() (string, error) {
		return func() (string, error) { return name, err }
	}
	tests := []struct {
		name, file string
		options    Options
		want       string // the node, or what is wrong
	}{
		{"the host name", good, Options{Hostname: named("lb-a", nil)}, "lb-a"},
		{"the first label of the host name", good, Options{Hostname: named("lb-b.example.com", nil)}, "lb-b"},
		{"the file wins over the host name", withNode, Options{Hostname: named("lb-a", nil)}, "lb-b"},
		{"the option wins over the file", withNode, Options{Node: "lb-a"}, "lb-a"},
		{"a host name that is no node", good, Options{Hostname: named("web1.example.com", nil)},
			`4: nodes: the host name "web1" is none of the nodes; use --node with lb-a or lb-b, or set node`},
		{"a host name that is no node, where that is allowed", good, Options{Hostname: named("web1", nil), AnyNode: true}, ""},
		{"an option that is no node, even where any node is allowed", good, Options{Node: "lb-x", AnyNode: true},
			`4: nodes: --node "lb-x" is none of the nodes; use --node with lb-a or lb-b, or set node`},
		{"no host name", good, Options{Hostname: named("", errors.New("no such file"))},
			"4: nodes: which node this is cannot be told: no such file; set node or use --node"},
		{"no host name, where that is allowed", good, Options{Hostname: named("", errors.New("no such file")), AnyNode: true}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := machine(tt.file).options()
			o.Node, o.AnyNode = tt.options.Node, tt.options.AnyNode
			if tt.options.Hostname != nil {
				o.Hostname = tt.options.Hostname
			}
			c, err := Load(path, o)
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), path+":", "")
			} else {
				got = c.Node
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
