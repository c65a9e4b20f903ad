// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/status"
)

// pages ends a context when the given number of pages was written.
type pages struct {
	bytes.Buffer
	left int
	end  context.CancelFunc
}

func (p *pages) Write(b []byte) (int, error) {
	if p.left--; p.left == 0 {
		p.end()
	}
	return p.Buffer.Write(b)
}

func TestWatchShowsPagesUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		daemon   bool
		terminal bool
		want     string
	}{
		{"the status", true, false, "web  203.0.113.10  owned by lb-a (verified 3s ago)\n"},
		{"on a terminal the screen is cleared first", true, true, clearScreen},
		{"a daemon that is away is shown as such", false, false, "fipctl: reach the daemon at "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			socket := socketPath(t)
			if tt.daemon {
				serveScene(t, socket, scenes()["healthy"])
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out := &pages{left: 1, end: cancel}
			var complaints bytes.Buffer
			a := &app{out: out, err: &complaints, terminal: tt.terminal}
			if code := a.execute(ctx, []string{"--socket", socket, "status", "--watch"}); code != status.CodeDone {
				t.Errorf("code %d, want 0; %s", code, complaints.String())
			}
			if !strings.HasPrefix(out.String(), tt.want) {
				t.Errorf("page %q, want it to begin with %q", out.String(), tt.want)
			}
		})
	}
}

func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func serveScene(t *testing.T, socket string, s scene) {
	t.Helper()
	l, err := status.Listen(socket, 0o600, "")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: status.Handler(s, discard())}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-ended })
}

func TestTheLogIsTextForPeopleAndJSONForMachines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format   string
		terminal bool
		json     bool
	}{
		{config.FormatAuto, true, false},
		{config.FormatAuto, false, true},
		{config.FormatText, false, false},
		{config.FormatJSON, true, true},
	} {
		var b bytes.Buffer
		log := slog.New(newHandler(&b, tt.format, slog.LevelWarn, tt.terminal))
		log.Info("silent")
		log.Warn("heard")
		if isJSON := strings.HasPrefix(b.String(), "{"); isJSON != tt.json || strings.Contains(b.String(), "silent") {
			t.Errorf("format %s, terminal %v: %q", tt.format, tt.terminal, b.String())
		}
	}
}

// TestTheLabsFlagsOfRunAreHidden: they serve no operator, and completion offers what help
// shows.
func TestTheLabsFlagsOfRunAreHidden(t *testing.T) {
	t.Parallel()
	flag := (&app{}).runCommand().Flags().Lookup("guest-endpoint")
	if flag == nil || !flag.Hidden {
		t.Errorf("guest-endpoint: %+v", flag)
	}
}

// TestTheJournalGetsEntriesUnlessTheFileAsksForAFormat plays systemd, which names the file
// behind standard error.
func TestTheJournalGetsEntriesUnlessTheFileAsksForAFormat(t *testing.T) {
	var s syscall.Stat_t
	if err := syscall.Fstat(2, &s); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", s.Dev, s.Ino))
	for format, want := range map[string]bool{config.FormatAuto: true, config.FormatJSON: false, config.FormatText: false} {
		socket := socketPath(t)
		l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: socket})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		slog.New(logHandler(&b, format, slog.LevelInfo, socket)).Info("heard")
		if journal := b.Len() == 0; journal != want {
			t.Errorf("format %s: lines on standard error: %q", format, b.String())
		}
		l.Close()
	}
}
