// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
)

// TestAPartThatFailedSaysNothing: what was read of an address that nobody holds is not made
// newer by an answer that did not come.
func TestAPartThatFailedSaysNothing(t *testing.T) {
	for _, failed := range []bool{false, true} {
		t.Run(fmt.Sprint("failed ", failed), func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, g, _ := w.stage()
				e := a.engine
				w.pass(time.Second)
				c, now := reservedIPs(e.clouds), e.clock.now()
				g.cfg.Addresses = append(g.cfg.Addresses, g.cfg.Addresses[0])
				g.policy.Addresses = append(g.policy.Addresses, g.policy.Addresses[0])
				g.state.Addresses = []controller.AddressState{{Known: true, Began: now - 100, Ended: now - 90}, {}}
				read := &groupRead{g: g, begun: now - 30, parts: 2, readings: make([]controller.Reading, 2), errs: make([]error, 2)}
				answer := controller.Answer{Reading: controller.Reading{Began: now - 30, Ended: now - 20}}
				if failed {
					answer.Err = errors.New("connection reset")
				}
				c.reads.begin(false)
				e.batchDone(&batch{cloud: c, pool: c.reads, places: []place{{read, 0}}}, []controller.Answer{answer})
				if newer := g.state.Addresses[0].Began == now-30; newer == failed {
					t.Errorf("it failed %v: of the address %+v", failed, g.state.Addresses[0])
				}
			})
		})
	}
}

// TestReadsThatNobodyWaitsForAreFewAtOnce, unless those of one group are more.
func TestReadsThatNobodyWaitsForAreFewAtOnce(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		c, now := reservedIPs(a.engine.clouds), a.engine.clock.now()
		for len(g.cfg.Addresses) < 2 {
			g.cfg.Addresses = append(g.cfg.Addresses, g.cfg.Addresses[0])
		}
		c.reads.workers = 100
		for _, tt := range []struct {
			idle int
			want controller.Want
			may  bool
		}{
			{6, controller.WantRead, true}, {7, controller.WantRead, false}, {7, controller.WantUrgent, true}, {90, controller.WantUrgent, true},
		} {
			c.reads.idle = tt.idle
			if got := a.engine.mayRead(g, tt.want, map[family]*batch{}, now); got != tt.may {
				t.Errorf("beside %d, one that is wanted %d: %v", tt.idle, tt.want, got)
			}
		}
		c.reads.idle = 0
		for len(g.cfg.Addresses) < 9 {
			g.cfg.Addresses = append(g.cfg.Addresses, g.cfg.Addresses[0])
		}
		if !a.engine.mayRead(g, controller.WantRead, map[family]*batch{}, now) {
			t.Error("a group of nine addresses is never read")
		}
	})
}
