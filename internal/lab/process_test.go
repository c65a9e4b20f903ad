// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testService(t *testing.T) (*service, string) {
	t.Helper()
	p := testPlan(t)
	s, err := startService(t.Context(), os.Args[0], "lb-a", p.nodeWeb(0).String(), command.start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s, p.nodeWeb(0).String()
}

func get(url string) (string, error) {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, " ", string(body)), err
}

func TestAServiceAnswersWithItsNameAndCanStopAndReturn(t *testing.T) {
	t.Parallel()
	s, at := testService(t)
	for path, want := range map[string]string{"/": "200 lb-a\n", "/healthz": "200 ok\n", "/other": "404 404 page not found\n"} {
		if got, err := get("http://" + at + path); got != want || err != nil {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if err := s.do(t.Context(), serviceStop, serviceStopped); err != nil {
		t.Fatal(err)
	}
	if got, err := get("http://" + at + "/"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("stopped: %q, %v", got, err)
	}
	if err := s.do(t.Context(), serviceStart, serviceListening); err != nil {
		t.Fatal(err)
	}
	if got, err := get("http://" + at + "/"); got != "200 lb-a\n" || err != nil {
		t.Errorf("returned: %q, %v", got, err)
	}
}

func TestAKilledServiceIsGoneAndAskingItIsAnError(t *testing.T) {
	t.Parallel()
	s, at := testService(t)
	pid := s.cmd.Process.Pid
	s.kill()
	if s.alive() {
		t.Error("it is alive")
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: %v", pid, err)
	}
	if c, err := net.Dial("tcp4", at); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
	if err := s.do(t.Context(), serviceStop, serviceStopped); err == nil {
		t.Error("it obeyed")
	}
}

func TestAServiceEndsWhenTheLabClosesItsInput(t *testing.T) {
	t.Parallel()
	s, _ := testService(t)
	if err := s.in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.wait(t.Context()); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestAServiceThatCannotListenSaysWhy(t *testing.T) {
	t.Parallel()
	_, at := testService(t)
	_, err := startService(t.Context(), os.Args[0], "lb-b", at, command.start)
	if err == nil || !strings.Contains(err.Error(), "lb-b") {
		t.Errorf("a second service at %s: %v", at, err)
	}
}

func TestAServiceRefusesUnknownCommands(t *testing.T) {
	t.Parallel()
	p := testPlan(t)
	err := serve("lb-a", p.nodeWeb(0).String(), strings.NewReader("dance\n"), io.Discard)
	if got, want := fmt.Sprint(err), `read command: "dance" is neither stop nor start`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestKillEndsWhatAProcessStarted(t *testing.T) {
	t.Parallel()
	child := make(chan string, 1)
	c := command{name: "shell", path: "/bin/sh", args: []string{"-c", "sleep 600 & echo $!; wait"}, line: func(s string) { child <- s }}
	p, err := c.start()
	if err != nil {
		t.Fatal(err)
	}
	pid := <-child
	p.kill()
	if !gone(pid) {
		t.Errorf("the child %s lives on", pid)
	}
	if diff := cmp.Diff([]string{pid}, p.lastLines()); diff != "" {
		t.Errorf("last lines (-want +got):\n%s", diff)
	}
}

// gone waits until a killed process has disappeared or is a zombie, which only
// waits for its new parent.
func gone(pid string) bool {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); runtime.Gosched() {
		stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return true
		}
	}
	return false
}

func TestWaitingForAProcessEndsWithTheContextAndSaysWhy(t *testing.T) {
	t.Parallel()
	s, _ := testService(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if got, want := fmt.Sprint(s.wait(ctx)), "wait for the end of lb-a's service: enough"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestLinesAreHandedOnWholeAndBounded(t *testing.T) {
	t.Parallel()
	var got []string
	w := &lineWriter{line: func(s string) { got = append(got, s) }}
	for _, part := range []string{"on", "e\ntwo\r\n\nthr", "ee", strings.Repeat("x", 2*lineMax), "\nlast"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
	}
	w.flush()
	want := []string{"one", "two", "", "three" + strings.Repeat("x", lineMax-len("three")), "last"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
