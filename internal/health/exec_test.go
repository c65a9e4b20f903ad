// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestExec(t *testing.T) {
	t.Parallel()
	sh := func(script string, args ...string) []string {
		return append([]string{"sh", "-c", script, "check"}, args...)
	}
	v := Values{Node: "lb-a", Anchor: netip.MustParseAddr("2001:db8::1")}
	tests := []struct {
		name string
		argv []string
		text string
		err  string
	}{
		{"exit status 0 is well", []string{"true"}, "run true: exit status 0", ""},
		{"another exit status fails", sh("exit 3"), "", "run sh: exit status 3"},
		{"the output is the reason", sh("echo no backend; echo left >&2; exit 2"), "", "run sh: exit status 2: no backend\nleft"},
		{"the output of a success is kept too", sh("echo 3 backends"), "run sh: exit status 0: 3 backends", ""},
		{"the end of a long output is kept", sh("yes | head -c 100000; echo; echo the end; exit 1"), "",
			"run sh: exit status 1: …" + strings.Repeat("y\n", 96) + "\nthe end"},
		{"a signal fails", sh("kill -9 $$"), "", "run sh: signal: killed"},
		{"arguments are not split or interpreted", sh(`printf '%s|' "$@"`, "a b", "$HOME;", "{node}"), "run sh: exit status 0: a b|$HOME;|lb-a|", ""},
		{"placeholders are in the environment", sh(`echo $FIPCTL_NODE $FIPCTL_ANCHOR ${FIPCTL_ADDRESS-unset}`), "run sh: exit status 0: lb-a 2001:db8::1 unset", ""},
		{"the directory does not depend on the daemon's", sh("pwd"), "run sh: exit status 0: /", ""},
		{"the input is empty", []string{"cat"}, "run cat: exit status 0", ""},
		{"a value that is missing is an error", []string{"true", "{address}"}, "", "{address} has no value: the group has not exactly one address; write the address out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text, err := Exec{Argv: tt.argv}.Ask(t.Context(), v)
			if diff := cmp.Diff([]string{tt.text, tt.err}, []string{text, errText(err)}); diff != "" {
				t.Errorf("text and error (-want +got):\n%s", diff)
			}
		})
	}
}

// What others can change is not run, whatever it was when the configuration was read.
func TestExecRunsNothingThatOthersCanChange(t *testing.T) {
	t.Parallel()
	open := filepath.Join(t.TempDir(), "open")
	program := filepath.Join(open, "check")
	if err := errors.Join(os.Mkdir(open, 0o700), os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700)); err != nil {
		t.Fatal(err)
	}
	probe := Exec{Argv: []string{filepath.Join(open, "{node}")}}
	v := Values{Node: "check"}
	if _, err := probe.Ask(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := probe.Ask(t.Context(), v)
	want := "run " + program + ": not done, which says nothing of the service: the folder " + open + " is open to others"
	if !errors.Is(err, ErrInconclusive) || !strings.HasPrefix(errText(err), want) {
		t.Errorf("got %v, want that it cannot tell: %s", err, want)
	}
}

// Not parallel: it changes the environment.
func TestExecDoesNotPassTheDaemonsCredentialsOn(t *testing.T) {
	t.Setenv("DIGITALOCEAN_TOKEN", "secret")
	text, err := Exec{Argv: []string{"sh", "-c", "echo ${DIGITALOCEAN_TOKEN-unset} $MINE"}, Env: []string{"MINE=yes"}}.Ask(t.Context(), Values{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("run sh: exit status 0: unset yes", text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

// The command and its children hold the writing end of a FIFO. Its end of file
// tells, without waiting or guessing, that the last of them is gone.
func TestExecKillsTheWholeGroupWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(fifo, os.O_RDWR|syscall.O_NONBLOCK, 0) // RDWR: wait for the first writer
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	r.SetReadDeadline(time.Now().Add(20 * time.Second)) // only a test that fails gets there

	const script = `trap '' TERM INT HUP
exec 3>"$1"
sh -c 'sleep 600 & sleep 600' &
echo started >&3
sleep 600`
	ctx, cancel := context.WithCancelCause(t.Context())
	asked := make(chan error, 1)
	go func() {
		_, err := Exec{Argv: []string{"sh", "-c", script, "check", fifo}}.Ask(ctx, Values{})
		asked <- err
	}()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatalf("wait for the command: %q, %v", line, err)
	}
	eof, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eof.Close() })
	eof.SetReadDeadline(time.Now().Add(20 * time.Second))
	r.Close() // from here on only the command holds the writing end

	cancel(timeoutError{time.Second})
	if diff := cmp.Diff("run sh: timed out after 1s", errText(<-asked)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if _, err := io.ReadAll(eof); err != nil {
		t.Errorf("a process of the command is alive: %v", err)
	}
}

func TestExecReturnsThoughADetachedChildHoldsItsOutput(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script, want string
		timeout            time.Duration
		ok                 bool
	}{
		{"when the command succeeded", "sleep 60 & echo $! >$PIDFILE; echo fine", "run sh: exit status 0: fine", 4 * time.Second, true},
		{"when the command failed", "sleep 60 & echo $! >$PIDFILE; echo bad; exit 1", "run sh: exit status 1: bad", 4 * time.Second, false},
		{"when the command timed out", "setsid sleep 60 & echo $! >$PIDFILE; sleep 600", "run sh: timed out after 1s", time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pidFile := filepath.Join(t.TempDir(), "pid")
			t.Cleanup(func() { killFrom(t, pidFile) })
			probe := Exec{Argv: []string{"sh", "-c", tt.script}, Env: []string{"PIDFILE=" + pidFile}}
			res := Once(t.Context(), Check{Interval: time.Minute, Timeout: tt.timeout, Probe: probe}, Values{})
			if diff := cmp.Diff(tt.want, res.Text); diff != "" || res.OK != tt.ok {
				t.Errorf("ok %v, text (-want +got):\n%s", res.OK, diff)
			}
		})
	}
}

// killFrom ends the process whose number a script wrote to a file.
func killFrom(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("end process %d: %v", pid, err)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		writes []string
		want   string
	}{
		{"nothing", nil, ""},
		{"what fits", []string{"ab", "cd"}, ": abcd"},
		{"the end of several", []string{"abc", "def"}, ": …cdef"},
		{"the end of one", []string{"x", "abcdef"}, ": …cdef"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := tail{limit: 4}
			for _, s := range tt.writes {
				if n, err := io.WriteString(&out, s); n != len(s) || err != nil {
					t.Fatalf("write %q: %d, %v", s, n, err)
				}
			}
			if got := out.suffix(); got != tt.want {
				t.Errorf("suffix() = %q, want %q", got, tt.want)
			}
		})
	}
}
