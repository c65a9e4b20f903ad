// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"github.com/fipctl/fipctl/internal/telemetry"
)

// manager is the service manager that started the daemon. Nobody waits for it: while the
// queue of its socket is full it is told nothing, and the last state again at the next look.
type manager struct {
	tell     func(state string) error // sd_notify(3), without waiting; nil: there is no manager
	watchdog time.Duration            // it ends a daemon that is silent for so long; 0: never

	mu    sync.Mutex
	state string // the last one that is not a feeding
	owed  bool   // and it has not been told
}

// systemd returns the manager that the environment names, if any.
func systemd() *manager {
	patience, err := sdnotify.SdWatchdogEnabled(false)
	if err != nil {
		patience = 0 // not meant for this process, or not a number: as if it were not set
	}
	m := &manager{watchdog: patience}
	if socket := os.Getenv("NOTIFY_SOCKET"); socket != "" {
		m.tell = func(state string) error { return send(socket, state) }
	}
	return m
}

// send hands a datagram to a socket if it is taken at once. The library's own sending
// waits, without a limit, while the queue of the socket is full.
func send(socket, text string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		_, sent = syscall.Write(int(fd), []byte(text))
		return true // taken or not, it is not tried again here
	})
	return errors.Join(err, sent)
}

// notify tells the manager how the daemon is. Nothing follows the word that it stops: a
// reload may end after that.
func (m *manager) notify(state string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tell == nil || m.state == sdnotify.SdNotifyStopping {
		return
	}
	m.state, m.owed = state, m.tell(state) != nil
}

// look tells the manager again what it could not be told, and that the engine runs.
func (m *manager) look(runs bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tell == nil {
		return
	}
	if m.owed {
		m.owed = m.tell(m.state) != nil
	}
	if runs && m.watchdog > 0 {
		_ = m.tell(sdnotify.SdNotifyWatchdog) // the next look comes within its patience
	}
}

// looksEvery is how often the engine is looked after, where the manager does not ask for
// more.
const looksEvery = 5 * time.Second

// feedings is how often the manager's watchdog is fed within its patience. Of 30 s that
// leaves 22 for a pause: an owner whose machine stood still for 15 s goes on.
const feedings = 4

// watchdog tells the manager that the engine runs, for as long as it does, and the log
// when it does not. It is not the engine's own task: it tells when that hangs.
type watchdog struct {
	manager  *manager
	log      *slog.Logger
	standing func() (age, limit time.Duration)
}

// String names the task.
func (w watchdog) String() string { return "watchdog" }

func (w watchdog) every() time.Duration {
	if w.manager.watchdog > 0 {
		return min(looksEvery, w.manager.watchdog/feedings)
	}
	return looksEvery
}

// Run looks after the engine until ctx ends.
func (w watchdog) Run(ctx context.Context) error {
	look := time.NewTicker(w.every())
	defer look.Stop()
	still := false
	for {
		age, limit := w.standing()
		if stands := age > limit; stands != still {
			still = stands
			if still {
				w.log.Error("engine stands still", "age", telemetry.Short(age), "limit", telemetry.Short(limit))
			} else {
				w.log.Warn("engine runs again")
			}
		}
		w.manager.look(!still)
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}
