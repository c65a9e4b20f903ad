// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWrongOptionsAreOneLineAndExitCodeTwo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options Options
		want    string
	}{
		"an unknown scenario": {
			Options{Scenarios: []string{"x"}},
			"choose scenarios: unknown \"x\"; `fipctl lab --list` shows them, `all` runs those that are not marked -\n",
		},
		"an unknown provider": {
			Options{Provider: "x"}, "choose provider: unknown \"x\"; choose digitalocean, tencent, jdcloud or all\n",
		},
		"an unknown kind": {
			Options{Kind: "x"}, "choose kind: unknown \"x\"; of digitalocean choose from reserved-ip, reserved-ipv6\n",
		},
		"adverts too fast":   {Options{AdvertInterval: time.Millisecond}, "read --advert-interval: 1ms is outside 50ms to 40s\n"},
		"adverts too slow":   {Options{AdvertInterval: time.Minute}, "read --advert-interval: 1m0s is outside 50ms to 40s\n"},
		"negative latency":   {Options{APILatency: -1}, "read --api-latency: -1ns is outside 0s to 2.9s\n"},
		"unbearable latency": {Options{APILatency: time.Minute}, "read --api-latency: 1m0s is outside 0s to 2.9s\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			test.options.Stdout, test.options.Stderr = &out, &errs
			if code := Run(t.Context(), test.options); code != exitUsage || errs.String() != test.want || out.Len() > 0 {
				t.Errorf("exit code %d, stdout %q, stderr %q\nwant %q", code, out.String(), errs.String(), test.want)
			}
		})
	}
}

// Two stand-ins keep an address well enough for three of the stories. The
// temporary directory comes from the environment, so the tests that look for what
// is left behind do not run in parallel.
func TestTheLabPlaysItsStoriesOnStandIns(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out, people bytes.Buffer
	stories := []string{"killed", "assign", "stopped"}
	code := Run(t.Context(), Options{Scenarios: stories, JSON: true, Stdout: &out, Stderr: &people, Executable: os.Args[0]})
	if code != exitDone {
		t.Fatalf("exit code %d\n%s", code, people.String())
	}
	var d struct{ Scenarios []documentScenario }
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	for i, s := range d.Scenarios {
		if s.Name != stories[i] || !s.Passed || s.Moves != 1 || s.Writes != 1 || s.Detect == nil || s.Decide == nil || s.API == nil || s.FirstAnswer == nil {
			t.Errorf("%s: %s", stories[i], out.Bytes())
		}
		if killed := s.Name == "killed"; killed != (s.Failed > 0) || killed != (*s.Outage > 0) {
			t.Errorf("%s: %d requests failed in %d ms", s.Name, s.Failed, *s.Outage)
		}
	}
	nothingLeft(t)
}

// A story that a stand-in does not know ends with what it said.
func TestAnOrderThatFailsFailsTheScenario(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	code := Run(t.Context(), Options{Scenarios: []string{"drained"}, Stdout: &out, Stderr: &out, Executable: os.Args[0]})
	const want = "drain lb-a: exit code 1: a stand-in does not drain, 0 moves instead of 1"
	if code != exitFailed || !strings.Contains(out.String(), want) {
		t.Errorf("exit code %d, output:\n%s", code, out.String())
	}
}

// A program that is none of ours ends at once.
func TestADaemonThatCannotStartFailsTheScenarioAndLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out, people bytes.Buffer
	code := Run(t.Context(), Options{Scenarios: []string{"killed"}, JSON: true, Stdout: &out, Stderr: &people, Executable: notFipctl(t)})
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	var d struct {
		Scenarios []struct {
			Passed bool
			Why    string
		}
	}
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatalf("%v in %s", err, out.Bytes())
	}
	if len(d.Scenarios) != 1 || d.Scenarios[0].Passed || !strings.Contains(d.Scenarios[0].Why, "daemon ended by itself: exit status 3") {
		t.Errorf("document %s", out.Bytes())
	}
	if !strings.Contains(people.String(), "no configuration") {
		t.Errorf("the daemons' last lines are not shown:\n%s", people.String())
	}
	nothingLeft(t)
}

// notFipctl is the test binary as a service, and a daemon that cannot start.
func notFipctl(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fipctl")
	script := "#!/bin/sh\n[ \"$1\" != run ] || { echo no configuration >&2; exit 3; }\nexec '" + self + "'\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnInterruptedLabLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	var out bytes.Buffer
	if code := Run(ctx, Options{Stdout: &out, Stderr: &out, Executable: os.Args[0]}); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(out.String(), "interrupted during service-stopped") {
		t.Errorf("output:\n%s", out.String())
	}
	nothingLeft(t)
}

func nothingLeft(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(os.TempDir())
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if children, err := os.ReadFile("/proc/thread-self/children"); err == nil && len(children) > 0 {
		t.Logf("children of this thread: %s", children) // other tests' services run in parallel
	}
}

func TestTheDirectoryLeavesRoomForTheSockets(t *testing.T) {
	t.Setenv("TMPDIR", "/tmp/"+strings.Repeat("x", 90))
	dir, err := makeDir()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Remove(dir) }()
	if n := len(filesOf(dir, nodeNames[0]).socket); n > socketPathMax {
		t.Errorf("the socket's path has %d bytes", n)
	}
}

// endsAt ends something when a text appears in what is written.
type endsAt struct {
	mu   sync.Mutex
	out  bytes.Buffer
	text string
	end  func()
}

func (w *endsAt) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out.Write(b)
	if strings.Contains(w.out.String(), w.text) {
		w.end()
	}
	return len(b), nil
}

func TestKeepLeavesAPairRunningAndSaysWhatToTry(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	out := &endsAt{text: "reads /", end: func() { cancel(errInterrupted) }}
	code := Run(ctx, Options{Scenarios: []string{"assign"}, Keep: true, Stdout: out, Stderr: out, Executable: os.Args[0]})
	if code != exitDone {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"  ok: 1 move, 1 write, 0 failed requests", "It runs until Ctrl-C.", "$F --socket $B assign web\n", "lb-a.sock  # lb-a\n"} {
		if !strings.Contains(out.out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.out.String())
		}
	}
	for _, line := range strings.Split(out.out.String(), "\n") {
		if _, socket, ok := strings.Cut(line, "    A="); ok {
			socket, _, _ = strings.Cut(socket, " ")
			if _, err := os.Stat(filepath.Dir(socket)); !os.IsNotExist(err) {
				t.Errorf("%s is left behind: %v", filepath.Dir(socket), err)
			}
		}
	}
}
