// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/pkg/election"
)

func TestAClockCountsFromAnHourBeforeItsStart(t *testing.T) {
	t.Parallel()
	elapsed := 5 * time.Minute
	c := newClock(func() time.Duration { return elapsed })
	if got := c.now(); got != election.Instant(time.Hour) {
		t.Errorf("at the start it is %v", time.Duration(got))
	}
	elapsed += time.Minute
	if got := c.now(); got != election.Instant(time.Hour+time.Minute) {
		t.Errorf("a minute later it is %v", time.Duration(got))
	}
	if got := c.time(0); !got.IsZero() {
		t.Errorf("an instant that never was is %v", got)
	}
	if got := time.Since(c.time(c.now().Add(-time.Minute))); got < time.Minute || got > time.Minute+time.Second || c.time(1).Location() != time.UTC {
		t.Errorf("an instant a minute ago is %v ago", got)
	}
}

func TestBoottimeRuns(t *testing.T) {
	t.Parallel()
	if before := boottime(); before <= 0 || boottime() < before {
		t.Errorf("it says %v, then less", before)
	}
}

// realOptions are those of a daemon on real sockets of this machine.
func realOptions(t *testing.T) Options {
	t.Helper()
	dir := t.TempDir()
	return Options{Version: "test", Log: slog.New(slog.DiscardHandler), Config: &config.Config{
		Listen: netip.MustParseAddrPort("127.0.0.1:0"), Control: config.Control{Socket: filepath.Join(dir, "s"), Mode: 0o660},
		Metrics: config.Metrics{Listen: netip.MustParseAddrPort("127.0.0.1:0")},
	}}
}

func TestWhatCannotBeOpenedIsSaidAndNothingStaysOpen(t *testing.T) {
	t.Parallel()
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { occupied.Close() })
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	tests := []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"the UDP port", func(c *config.Config) { c.Listen = udp.LocalAddr().(*net.UDPAddr).AddrPort() }, "has UDP port "},
		{"the metrics port", func(c *config.Config) { c.Metrics.Listen = occupied.Addr().(*net.TCPAddr).AddrPort() }, "has TCP port "},
		{"the socket that reads", func(c *config.Config) { c.Control.Reader.Socket = "/proc/none/r" }, "/proc/none"},
		{"the control socket", func(c *config.Config) { c.Control.Socket = "/proc/none/s" }, "/proc/none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := realOptions(t)
			tt.change(o.Config)
			if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ...%s...", err, tt.want)
			}
			if _, err := os.Stat(o.Config.Control.Socket); err == nil {
				t.Error("the control socket is still there")
			}
		})
	}
}

func TestADaemonWhosePartsDoNotFitClosesWhatItOpened(t *testing.T) {
	t.Parallel()
	o := realOptions(t) // without a single node the election cannot be configured
	if err := Run(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "configure election: ") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(o.Config.Control.Socket); err == nil {
		t.Error("the control socket is still there")
	}
}

// failing is a task that ends with an error.
type failing struct{ err error }

func (failing) String() string { return "a task" }

func (f failing) Run(context.Context) error { return f.err }

func TestATaskThatFailsEndsTheDaemon(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		a.daemon.start(a.ctx, failing{errors.New("out of luck")}, failing{errors.New("out of luck too")})
		if err := a.wait(); err == nil || !strings.HasPrefix(err.Error(), "a task: out of luck") {
			t.Errorf("end: %v", err)
		}
		w.eventually("the standby owns the address", b.bound)
	})
}

func TestTasksHaveNames(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.build(nodeA, nil)
		g := a.engine.groups[0]
		want := []string{"engine", "drain marks in " + a.marks.dir, "identity at digitalocean",
			"writes of group web", "guest addresses of group web", "check service of group web"}
		tasks := append([]task{a.engine, a.marks, a.identityTask(a.engine.clouds.presences["digitalocean"])}, g.tasks()...)
		for i, task := range tasks {
			if task.String() != want[i] {
				t.Errorf("got %q, want %q", task, want[i])
			}
		}
	})
}
