// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fipctl/fipctl/internal/trust"
)

// outputMax is how much of a command's output is kept, in bytes; the end of it,
// because that is where programs say why they gave up.
const outputMax = 4 << 10

// killGrace is how long a command's output is waited for after the command has
// ended or was killed. It matters only if a process that left the group holds
// the output open.
const killGrace = 250 * time.Millisecond

// inheritedEnv are the variables a command gets from the daemon's environment.
// HOME is its user's. The rest stays behind: the daemon's environment may hold cloud credentials.
var inheritedEnv = []string{"PATH", "LANG", "LC_ALL", "TZ"}

// Exec runs a program without a shell. The service is well if it exits with 0. By the
// statuses 126 and 127, with which shells say that a program cannot be run or is
// missing, it cannot tell. The program gets none of the daemon's capabilities, unless
// both are root, nor its niceness and OOM score if those favour the daemon. It runs in a
// process group of its own; when the check ends early the whole group is killed, so that
// nothing it started lives on. Processes that a program left behind when it exited by
// itself are not touched.
type Exec struct {
	// Argv is the program and its arguments; each may hold placeholders. A value
	// never becomes more than one argument.
	Argv []string
	// Env is added to PATH, HOME (of User, if that is given), LANG, LC_ALL and TZ of the
	// daemon, as "NAME=value". FIPCTL_NODE, FIPCTL_ADDRESS and FIPCTL_ANCHOR are set to the
	// placeholders that have a value.
	Env []string
	// User is the name or number of the user to run as, with his groups; "": as the
	// daemon. Another user than the daemon's takes CAP_SETUID and CAP_SETGID, and is not
	// root.
	User string
	// Trusted are those who may own and change the program. It is looked at before each
	// run, and not run if it is in other hands.
	Trusted trust.Users
}

// String returns "exec" and the program, without its arguments: they may hold
// secrets.
func (e Exec) String() string {
	if len(e.Argv) == 0 {
		return "exec"
	}
	return "exec " + e.Argv[0]
}

// Problems implements [Probe]. Whether the program exists shows when it runs.
func (e Exec) Problems() []Problem {
	if len(e.Argv) == 0 || e.Argv[0] == "" {
		return []Problem{{"exec", "names no program; write [/path/to/program, argument ...]"}}
	}
	var ps []Problem
	if program := e.Argv[0]; strings.Contains(program, "/") && !filepath.IsAbs(program) {
		ps = append(ps, Problem{"exec", fmt.Sprintf("%q is relative to a directory that nobody chose; "+
			"write the whole path, or the name alone to find it in PATH", program)})
	}
	for i, arg := range e.Argv {
		ps = append(ps, expandProblem("exec", arg)...)
		if strings.ContainsRune(arg, 0) {
			ps = append(ps, Problem{"exec", fmt.Sprintf("argument %d has a NUL byte; remove it", i)})
		}
	}
	return ps
}

// Ask implements [Probe].
func (e Exec) Ask(ctx context.Context, v Values) (string, error) {
	if len(e.Argv) == 0 {
		return "", errors.New("run a command: no program given")
	}
	argv := make([]string, len(e.Argv))
	for i, arg := range e.Argv {
		var err error
		if argv[i], err = Expand(arg, v); err != nil {
			return "", err
		}
	}
	file, err := e.Trusted.Program(argv[0])
	if err != nil {
		return "", fmt.Errorf("run %s: %w", argv[0], e.notStarted(err))
	}
	out := &tail{limit: outputMax}
	cmd := exec.CommandContext(ctx, file, argv[1:]...)
	cmd.Args[0] = argv[0]
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	home := os.Getenv("HOME")
	if e.User != "" {
		as, theirs, err := credentialOf(e.User)
		if err != nil {
			return "", fmt.Errorf("run %s: %w", argv[0], err)
		}
		cmd.SysProcAttr.Credential, home = as, cmp.Or(theirs, home)
	}
	cmd.Env = e.environ(v, home)
	cmd.Cancel = func() error { return killGroup(cmd.Process, cmd.SysProcAttr.Credential) }
	cmd.WaitDelay = killGrace
	if err := startApart(cmd); err != nil {
		return "", fmt.Errorf("run %s: %w", argv[0], e.notStarted(because(ctx, err)))
	}
	err = cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // it exited with 0; somebody else holds its output open
	}
	if err != nil {
		return "", fmt.Errorf("run %s: %w%s", argv[0], notRun(because(ctx, err)), out.suffix())
	}
	return fmt.Sprintf("run %s: exit status 0%s", argv[0], out.suffix()), nil
}

// unstarted are errors of programs alone, and what to do.
var unstarted = []struct {
	err    error
	remedy string
}{
	{fs.ErrNotExist, "install the program, or the interpreter that its first line names"},
	{syscall.ENOTDIR, "install the program, or the interpreter that its first line names"},
	{syscall.ENOEXEC, "give it a first line such as #!/bin/sh, or a build for this machine"},
	{syscall.ETXTBSY, "somebody writes it just now; put a new one beside it and rename that"},
	{syscall.E2BIG, "give it fewer or shorter arguments"},
	{syscall.ELOOP, "mend the links, or the interpreters, that lead to it"},
	{syscall.ELIBBAD, "mend the interpreter or the loader that it names"},
}

// notStarted judges why a program was not started. One that did not run has said nothing,
// whatever the reason.
func (e Exec) notStarted(err error) error {
	var path *fs.PathError
	var hands *trust.Error
	switch {
	case errors.As(err, &hands):
		return inconclusiveError{cause: hands}
	case errors.As(err, &path):
		err = path.Err
	}
	if e.User != "" && errors.Is(err, syscall.EPERM) {
		return inconclusiveError{err, "to become user " + e.User + " " + userRemedy}
	}
	for _, u := range unstarted {
		if errors.Is(err, u.err) {
			return inconclusiveError{err, u.remedy}
		}
	}
	var errno syscall.Errno
	if err = judged(err); errors.As(err, &errno) && !errors.Is(err, ErrInconclusive) {
		err = inconclusiveError{err, "the program was not started; look at its disk and at the kernel's log"}
	}
	return err
}

// notRun judges how a program ended. A shell ends so if what it was to run is missing.
func notRun(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == 126 || exit.ExitCode() == 127) {
		return inconclusiveError{err, "make what it runs present and executable for its user"}
	}
	return err
}

// environ returns the environment of the command.
func (e Exec) environ(v Values, home string) []string {
	var env []string
	if home != "" {
		env = append(env, "HOME="+home)
	}
	for _, name := range inheritedEnv {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for _, name := range []string{"node", "address", "anchor"} {
		if value := v.lookup(name, false); value != "" {
			env = append(env, "FIPCTL_"+strings.ToUpper(name)+"="+value)
		}
	}
	return append(env, e.Env...)
}

// killGroup kills the process group that p leads, of the user as where that is another
// one. It asks first whether p was already waited for, because its number could then
// belong to somebody else.
func killGroup(p *os.Process, as *syscall.Credential) error {
	if err := p.Signal(syscall.Signal(0)); errors.Is(err, os.ErrProcessDone) {
		return err
	}
	err := syscall.Kill(-p.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.EPERM) && as != nil {
		err = killAs(p.Pid, as.Uid)
	}
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// tail keeps the last bytes written to it.
type tail struct {
	limit int
	kept  []byte
	cut   bool // something was dropped
}

// Write takes everything and never fails, so that a chatty command is neither
// blocked nor killed by its output.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...) // p has at most the 32 KiB of the copying buffer
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.cut = true
	}
	return len(p), nil
}

// suffix returns the end of the output as an addition to a text, "" if there was
// none.
func (t *tail) suffix() string {
	s := strings.TrimSpace(string(t.kept))
	if s == "" {
		return ""
	}
	const room = textMax * 2 / 3 // the program and its status stand before it
	if len(s) > room {
		s = s[len(s)-room:]
		t.cut = true
	}
	if t.cut {
		s = "…" + s
	}
	return ": " + s
}
