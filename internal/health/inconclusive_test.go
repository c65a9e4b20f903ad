// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatSaysNothingOfTheServiceIsInconclusive(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		syscall.ECONNREFUSED: false, syscall.EHOSTUNREACH: false, syscall.ENETUNREACH: false, syscall.ECONNRESET: false,
		syscall.ETIMEDOUT: false, timeoutError{time.Second}: false, errors.New("status 503"): false,
		syscall.EACCES: true, syscall.EPERM: true, syscall.EAFNOSUPPORT: true, syscall.EADDRNOTAVAIL: true,
		syscall.EMFILE: true, syscall.EAGAIN: true, syscall.ENOMEM: true,
		&net.DNSError{Err: "no such host", Name: "db"}: true, ErrNoValue: true,
	} {
		wrapped := fmt.Errorf("connect to db:1: %w", judged(os.NewSyscallError("connect", err)))
		if res := newResult("", wrapped); res.Inconclusive != want || res.OK {
			t.Errorf("%v: inconclusive %v, want %v", err, res.Inconclusive, want)
		}
	}
}

func TestAProgramThatCannotBeRunIsInconclusive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := func(name, text string, mode os.FileMode) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const nothing = "; this says nothing of the service: "
	tests := []struct {
		name string
		argv []string
		want string // after "run PROGRAM: "
	}{
		{"a missing program", []string{"/no/such/check"},
			"no such file or directory" + nothing + "install the program, or the interpreter that its first line names"},
		{"a missing program of PATH", []string{"no-such-check"},
			"executable file not found in $PATH" + nothing + "install the program, or the interpreter that its first line names"},
		{"a missing interpreter", []string{script("a", "#!/no/such/interpreter\n", 0o755)},
			"no such file or directory" + nothing + "install the program, or the interpreter that its first line names"},
		{"a program that may not be executed", []string{script("b", "#!/bin/sh\n", 0o644)},
			"permission denied" + nothing + "allow it to the user of the daemon, and look for a firewall or a filter of its unit"},
		{"a file that is no program", []string{script("c", "exit 0\n", 0o755)},
			"exec format error" + nothing + "give it a first line such as #!/bin/sh, or a build for this machine"},
		{"a program that somebody writes", []string{beingWritten(t, dir)},
			"text file busy" + nothing + "somebody writes it just now; put a new one beside it and rename that"},
		{"links that lead nowhere", []string{filepath.Join(loop(t, dir), "check")},
			"too many levels of symbolic links" + nothing + "mend the links, or the interpreters, that lead to it"},
		{"too long an argument", []string{"true", strings.Repeat("x", 1<<20)},
			"argument list too long" + nothing + "give it fewer or shorter arguments"},
		{"what a shell does not find", []string{"sh", "-c", "no-such-check 2>/dev/null"},
			"exit status 127" + nothing + "make what it runs present and executable for its user"},
		{"what a shell may not run", []string{"sh", "-c", "echo no check today; exit 126"},
			"exit status 126" + nothing + "make what it runs present and executable for its user: no check today"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Exec{Argv: tt.argv}.Ask(t.Context(), Values{})
			if diff := cmp.Diff("run "+tt.argv[0]+": "+tt.want, errText(err)); diff != "" || !errors.Is(err, ErrInconclusive) {
				t.Errorf("inconclusive %v, error (-want +got):\n%s", errors.Is(err, ErrInconclusive), diff)
			}
		})
	}
}

// beingWritten returns a program that stays open for writing until the test ends.
func beingWritten(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "busy"), os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(text); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// loop returns a link to itself.
func loop(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "loop")
	if err := os.Symlink(name, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestAProgramThatDidNotStartSaidNothing, whatever the system says of it.
func TestAProgramThatDidNotStartSaidNothing(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		syscall.ETXTBSY: true, syscall.ELOOP: true, syscall.EIO: true, syscall.ELIBBAD: true, syscall.E2BIG: true,
		syscall.ENFILE: true, syscall.EMFILE: true, syscall.EAGAIN: true, syscall.ENOMEM: true, syscall.EINVAL: true,
		syscall.ESTALE: true, timeoutError{time.Second}: false,
	} {
		wrapped := Exec{}.notStarted(&fs.PathError{Op: "fork/exec", Path: "/check", Err: err})
		if res := newResult("", wrapped); res.Inconclusive != want || res.OK {
			t.Errorf("%v: inconclusive %v, want %v", err, res.Inconclusive, want)
		}
	}
}

func TestAUserWhoDoesNotExistIsInconclusive(t *testing.T) {
	t.Parallel()
	_, err := Exec{Argv: []string{"true"}, User: "nobody-of-that-name"}.Ask(t.Context(), Values{})
	want := "run true: user: unknown user nobody-of-that-name; this says nothing of the service: create the user, or correct the check's user"
	if diff := cmp.Diff(want, errText(err)); diff != "" || !errors.Is(err, ErrInconclusive) {
		t.Errorf("inconclusive %v, error (-want +got):\n%s", errors.Is(err, ErrInconclusive), diff)
	}
}

// TestANameThatDoesNotResolveIsInconclusive asks a resolver that does not answer within
// the time of the check, as one does that is down. Not parallel: it replaces the resolver.
func TestANameThatDoesNotResolveIsInconclusive(t *testing.T) {
	before := net.DefaultResolver
	defer func() { net.DefaultResolver = before }()
	for _, p := range []Probe{TCP{"db.invalid:5432"}, HTTP{URL: "http://db.invalid/"}} {
		for _, answers := range []bool{false, true} {
			ctx, over := context.WithCancelCause(t.Context())
			net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				if answers {
					return nil, syscall.ECONNREFUSED
				}
				over(timeoutError{time.Second})
				<-ctx.Done()
				return nil, ctx.Err()
			}}
			_, err := p.Ask(ctx, Values{})
			over(nil)
			if !errors.Is(err, ErrInconclusive) || !strings.Contains(errText(err), unresolved) || !strings.Contains(errText(err), "lookup db.invalid") {
				t.Errorf("%v, resolver answers %v: %v", p, answers, err)
			}
		}
	}
}
