// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/pkg/providers"
)

// guestTimeout bounds one change of the machine's own addresses.
const guestTimeout = 2 * time.Second

// guestJob is one guest step: put an address on this machine, or take it off.
type guestJob struct {
	address int
	ip      providers.Address
	add     bool
}

// guestWorker makes the guest steps of one group beside the engine.
type guestWorker struct {
	name   string
	ifaces netif.Interfaces
	jobs   chan guestJob // capacity 1; the engine submits one at a time and never waits
	report func(controller.GuestFact, error)
}

func newGuestWorker(name string, ifaces netif.Interfaces, report func(controller.GuestFact, error)) *guestWorker {
	return &guestWorker{name: name, ifaces: ifaces, jobs: make(chan guestJob, 1), report: report}
}

// String names the task.
func (w *guestWorker) String() string { return "guest addresses of group " + w.name }

// Run makes guest steps until ctx ends.
func (w *guestWorker) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-w.jobs:
			w.report(w.do(ctx, j))
		}
	}
}

func (w *guestWorker) do(ctx context.Context, j guestJob) (controller.GuestFact, error) {
	ctx, cancel := context.WithTimeout(ctx, guestTimeout)
	defer cancel()
	fact := controller.GuestFact{Address: j.address}
	if j.add {
		err := w.ifaces.AddHost(ctx, j.ip.IP, netif.Loopback)
		if err == nil {
			fact.State = controller.GuestPresent
		}
		return fact, err
	}
	err := w.ifaces.RemoveHost(ctx, j.ip.IP, netif.Loopback)
	if errors.Is(err, netif.ErrForeign) {
		err = nil // an operator put it there, maybe on all nodes: it stays
	}
	if err == nil {
		fact.State = controller.GuestAbsent
	}
	return fact, err
}
