// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"log/slog"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"github.com/fipctl/fipctl/internal/telemetry"
)

// manager is the service manager that started the daemon.
type manager struct {
	tell     func(state string) // sd_notify(3); nil: there is no manager
	watchdog time.Duration      // it ends a daemon that is silent for so long; 0: never
}

// systemd returns the manager that the environment names, if any.
func systemd() manager {
	patience, err := sdnotify.SdWatchdogEnabled(false)
	if err != nil {
		patience = 0 // not meant for this process, or not a number: as if it were not set
	}
	return manager{
		tell: func(state string) {
			_, _ = sdnotify.SdNotify(false, state) // no manager, or one that does not listen: nothing to do
		},
		watchdog: patience,
	}
}

// notify tells the manager how the daemon is.
func (m manager) notify(state string) {
	if m.tell != nil {
		m.tell(state)
	}
}

// looksEvery is how often the engine is looked after, where the manager does not ask for
// more.
const looksEvery = 5 * time.Second

// feedings is how often the manager's watchdog is fed within its patience. Of 30 s that
// leaves 22 for a pause: an owner whose machine stood still for 15 s goes on.
const feedings = 4

// watchdog tells the manager that the engine runs, for as long as it does, and the log
// when it does not. It is not the engine's own task, which would wait for the manager.
type watchdog struct {
	manager  manager
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
		if !still && w.manager.watchdog > 0 {
			w.manager.notify(sdnotify.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}
