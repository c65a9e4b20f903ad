// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"fmt"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"github.com/fipctl/fipctl/pkg/election"
)

// reloads is whether a reload is wanted. Capacity 1: what comes while one is wanted is the
// same wish.
type reloads chan struct{}

func (r reloads) ask() {
	select {
	case r <- struct{}{}:
	default:
	}
}

// reloader reads the configuration again when it is asked to, one reload after the other
// and beside whoever handles signals: a disk may be slow, and a stop does not wait for it.
type reloader struct{ *daemon }

// String names the task.
func (reloader) String() string { return "reload" }

// Run reloads until ctx ends.
func (d reloader) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.reloads:
			d.reloadNow(ctx)
		}
	}
}

// reloadNow reads the configuration again and, if it is good, puts it in force, unless the
// daemon has been told to stop meanwhile.
func (d reloader) reloadNow(ctx context.Context) {
	d.parts.manager.notify(sdnotify.SdNotifyReloading)
	defer d.parts.manager.notify(sdnotify.SdNotifyReady)
	fresh, err := d.prepare(ctx, d.opts, d.parts.clouds)
	if ctx.Err() != nil {
		return // it is leaving
	}
	if err != nil {
		d.engine.post(func() { d.reloadFailed(err) })
		return
	}
	inForce := false
	if err := d.engine.call(ctx, func() {
		if d.engine.leaving {
			d.log.Warn("reload refused", "reason", election.ReasonStopping.String())
			return
		}
		if err := d.abandons(fresh.cfg); err != nil {
			d.reloadFailed(fmt.Errorf("apply configuration: %w", err))
			return
		}
		d.warn(fresh.cfg)
		d.reloaded(fresh)
		d.startGroups()
		inForce = true
	}); err != nil || !inForce {
		return
	}
	d.opts.Config = fresh.cfg
	if d.opts.LogLevel != nil {
		d.opts.LogLevel.Set(fresh.cfg.Log.Level)
	}
}

// reloadFailed tells, and keeps for the status, why the configuration in force stays.
func (e *engine) reloadFailed(err error) {
	e.log.Error("reload failed; the configuration in force stays", "error", err)
	e.reload = err
}
