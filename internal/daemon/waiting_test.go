// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// TestAWriteUnderWayIsWaitedFor until its deadline, and an accepted one until the end of the
// longest move.
func TestAWriteUnderWayIsWaitedFor(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		now := e.clock.now()
		leads := election.GroupStatus{Role: election.Active}
		g.writing, g.wroteAt = true, now
		if got, until := e.waiting(g, leads), e.clock.time(now.Add(election.AttemptTimeout)); got == nil || got.Reason != "write-pending" || !got.Until.Equal(until) {
			t.Errorf("with a write on its way: %+v, want until %v", got, until)
		}
		g.writing, g.waiting, g.state.Addresses[0].AcceptedAt = false, election.ReasonWritePending, now
		if got, until := e.waiting(g, leads), e.clock.time(now.Add(g.policy.Addresses[0].MoveTimeout)); got == nil || got.Reason != "write-pending" || !got.Until.Equal(until) {
			t.Errorf("with an accepted one: %+v, want until %v", got, until)
		}
		leads.Bound = true
		if got := e.waiting(g, leads); got != nil && got.Reason == "write-pending" {
			t.Errorf("a bound node waits for %+v", got)
		}
	})
}

// TestAReadThatTheProviderBarsIsSaid: a takeover waits for a read, and none is made.
func TestAReadThatTheProviderBarsIsSaid(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		now := e.clock.now()
		waits := election.GroupStatus{Role: election.Backup, Waits: true, WaitsSince: now}
		if got := e.waiting(g, waits); got == nil || got.Read == nil || !got.Read.Barred.IsZero() {
			t.Errorf("before: %+v", got)
		}
		reservedIPs(e.clouds).heed(controller.SpendOwner, &providers.Error{Kind: providers.Throttled, RetryAfter: 9 * time.Second}, now, now)
		if got, until := e.waiting(g, waits), e.clock.time(now.Add(9*time.Second)); got == nil || got.Read == nil || !got.Read.Barred.Equal(until) {
			t.Errorf("it waits for %+v, want none before %v", got, until)
		}
	})
}

// TestTheLogOfATakeoverNamesTheOwnerThatWasAndTheAddresses, as who reads it at night needs.
func TestTheLogOfATakeoverNamesTheOwnerThatWasAndTheAddresses(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		a.crash()
		w.eventually("b leads", b.bound)
		for _, want := range []string{"reason=owner-silent term=2 owner=lb-a owner_heard_ago=9", `msg="address bound" group=web addresses=203.0.113.10 `} {
			if !b.log.has(want) {
				t.Errorf("no %q in:\n%s", want, b.log.lines(slog.LevelInfo))
			}
		}
	})
}

// TestANodeThatDoesNotKnowItselfCallsNobodyAStranger: it may be the owner itself.
func TestANodeThatDoesNotKnowItselfCallsNobodyAStranger(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		told := func(known bool) (codes []string) {
			s := election.GroupStatus{Known: known, Owner: election.Owner{Kind: election.OwnerForeign}, Held: election.ReasonForeignOwner}
			a.engine.ownerConditions(g, s, func(code, _ string, _ status.Severity, _ string, _ ...any) { codes = append(codes, code) })
			return codes
		}
		if got := told(false); len(got) != 0 {
			t.Errorf("it says %v", got)
		}
		if got := told(true); !slices.Equal(got, []string{condForeignOwner}) {
			t.Errorf("once it knows: %v", got)
		}
	})
}
