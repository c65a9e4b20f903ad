// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestListenMakesTheSocketWithItsMode(t *testing.T) {
	path := filepath.Join(socketPath(t), "deep", "s")
	// The umask belongs to the process: no parallel test here.
	defer syscall.Umask(syscall.Umask(0))
	for _, mode := range []fs.FileMode{0o600, 0o660} {
		l, err := Listen(path, mode, "")
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != fs.ModeSocket|mode {
			t.Errorf("mode %v, %v, want %v", info.Mode(), err, fs.ModeSocket|mode)
		}
		entries, _ := os.ReadDir(filepath.Dir(path))
		if len(entries) != 1 {
			t.Errorf("directory holds %v, want only the socket", entries)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after Close: %v, want no socket", err)
		}
	}
}

func TestListenReplacesADeadSocketAndRefusesEverythingElse(t *testing.T) {
	t.Parallel()
	t.Run("a dead daemon's socket is replaced", func(t *testing.T) {
		t.Parallel()
		path := socketPath(t)
		dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		dead.SetUnlinkOnClose(false)
		dead.Close()
		l, err := Listen(path, 0o600, "")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	})
	t.Run("a live daemon's socket is refused and stays", func(t *testing.T) {
		t.Parallel()
		path := socketPath(t)
		live, err := Listen(path, 0o600, "")
		if err != nil {
			t.Fatal(err)
		}
		var inUse *InUseError
		me := fmt.Sprintf("(pid %d)", os.Getpid())
		err = vacant(path, 200*time.Millisecond) // nobody accepts, as where a daemon is stopped
		if want := me + " has it and does not answer; end it first"; !errors.As(err, &inUse) || !strings.Contains(err.Error(), want) {
			t.Errorf("one that is stopped: error %v, want *InUseError with %s", err, want)
		}
		served := make(chan error, 1)
		go func() { served <- http.Serve(live, http.NotFoundHandler()) }()
		defer func() {
			live.Close()
			<-served
		}()
		_, err = Listen(path, 0o600, "")
		if want := me + " answers there; stop it first"; !errors.As(err, &inUse) || inUse.Path != path || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want *InUseError with %s", err, want)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	})
	t.Run("another file is refused and stays", func(t *testing.T) {
		t.Parallel()
		path := socketPath(t)
		if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(path, 0o600, ""); err == nil || !strings.Contains(err.Error(), "a file that is not a socket is in the way") {
			t.Errorf("error %v", err)
		}
		if content, _ := os.ReadFile(path); string(content) != "precious" {
			t.Errorf("file now holds %q", content)
		}
	})
	t.Run("an unknown group is refused", func(t *testing.T) {
		t.Parallel()
		path := socketPath(t)
		if _, err := Listen(path, 0o660, "no-such-group"); err == nil || !strings.Contains(err.Error(), `this machine has no group "no-such-group"`) {
			t.Errorf("error %v", err)
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 0 {
			t.Errorf("left behind: %v", entries)
		}
	})
	t.Run("a path too long for a socket is explained", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(filepath.Dir(socketPath(t)), strings.Repeat("x", socketPathMax))
		if _, err := Listen(path, 0o600, ""); err == nil || !strings.Contains(err.Error(), "too long by") {
			t.Errorf("error %v", err)
		}
	})
}

func TestClosingLeavesASuccessorsSocket(t *testing.T) {
	t.Parallel()
	path := socketPath(t)
	old, err := Listen(path, 0o600, "")
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(path)
	successor, err := Listen(path, 0o600, "")
	if err != nil {
		t.Fatal(err)
	}
	defer successor.Close()
	old.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the successor's socket: %v", err)
	}
}

func TestClientSaysWhyTheDaemonIsNotReachable(t *testing.T) {
	t.Parallel()
	missing := socketPath(t)
	dead := socketPath(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for path, want := range map[string]string{
		missing: "reach the daemon at " + missing + ": no such socket, the daemon does not run or the socket was removed; see `systemctl status fipctl`, or read the cloud without a daemon: `fipctl status --direct`",
		dead:    "reach the daemon at " + dead + ": nobody listens, the daemon has died; see `systemctl status fipctl`, or read the cloud without a daemon: `fipctl status --direct`",
	} {
		_, err := NewClient(path).Status(t.Context())
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) || err.Error() != want {
			t.Errorf("error %v, want *UnreachableError\n%s", err, want)
		}
	}
}

func TestClientSaysWhoMayAsk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Log("root is refused nothing: only the texts are tested")
	} else {
		path := socketPath(t)
		l, err := Listen(path, 0, "")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, err = NewClient(path).Status(t.Context())
		var denied *PermissionError
		if !errors.As(err, &denied) || denied.Group == "" {
			t.Errorf("error %v, want *PermissionError with a group", err)
		}
	}
	for group, want := range map[string]string{
		"":    "reach the daemon at /s: permission denied; run the command as root, or for the status alone set control.reader.socket",
		"adm": `reach the daemon at /s: permission denied; run the command as root or as a member of group "adm", or for the status alone set control.reader.socket`,
	} {
		if got := (&PermissionError{Path: "/s", Group: group}).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
