// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// gateInput is what the gate looks at; open is one that it lets through.
type gateInput struct {
	permit       election.Permit
	term         election.Term
	began, ended election.Instant
}

func open() gateInput {
	return gateInput{permit: leading(nil).Permit, term: term, began: ago(ms(80)), ended: ago(ms(40))}
}

// TestGate has one case for every line of the gate's table, and the last value
// that each line lets through.
func TestGate(t *testing.T) {
	t.Parallel()
	older, newer := election.Term{Number: 3, Node: "lb-a"}, election.Term{Number: 4, Node: "lb-b"}
	tests := []struct {
		name   string
		change func(*gateInput)
		want   election.Reason
	}{
		{"everything fits", func(*gateInput) {}, election.ReasonNone},
		{"the node is a backup", func(g *gateInput) { g.permit.Role = election.Backup }, election.ReasonNotActive},
		{"the node is in fault", func(g *gateInput) { g.permit.Role = election.Fault }, election.ReasonNotActive},
		{"the node is not eligible", func(g *gateInput) { g.permit.Eligible = false }, election.ReasonNotEligible},
		{"the group is being handed over", func(g *gateInput) { g.permit.Handover = true }, election.ReasonHandoverRunning},
		{"the write was chosen in an older claim", func(g *gateInput) { g.term = older }, election.ReasonStaleTerm},
		{"a newer claim of another node is known", func(g *gateInput) { g.permit.Newest = newer }, election.ReasonStaleTerm},
		{"the newest claim known is an older one", func(g *gateInput) { g.permit.Newest = older }, election.ReasonNone},
		{"the election holds the node back", func(g *gateInput) { g.permit.Hold = election.ReasonForeignOwner }, election.ReasonForeignOwner},
		{"the owner was never read", func(g *gateInput) { g.began, g.ended = 0, 0 }, election.ReasonReadMissing},
		{"the read began with the last owning advert of another node", func(g *gateInput) { g.permit.Since = g.began }, election.ReasonReadTooEarly},
		{"the read began right after it", func(g *gateInput) { g.permit.Since = g.began - 1 }, election.ReasonNone},
		{"the read began when the last write was over", func(g *gateInput) { g.permit.Own = g.began }, election.ReasonReadTooEarly},
		{"the read began right after that", func(g *gateInput) { g.permit.Own = g.began - 1 }, election.ReasonNone},
		{"the read took longer than one attempt", func(g *gateInput) { g.began = g.ended.Add(-election.AttemptTimeout - 1) }, election.ReasonReadTooSlow},
		{"the read took one attempt", func(g *gateInput) { g.began = g.ended.Add(-election.AttemptTimeout) }, election.ReasonNone},
		{"the answer is older than allowed", func(g *gateInput) { g.began, g.ended = ago(time.Second+2), ago(time.Second+1) }, election.ReasonReadTooOld},
		{"the answer is as old as allowed", func(g *gateInput) { g.began, g.ended = ago(time.Second+1), ago(time.Second) }, election.ReasonNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := open()
			tt.change(&g)
			if got := Gate(now, g.permit, g.term, g.began, g.ended); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestTheGateIsOpenOnlyIfEveryLineHolds compares the gate with the conjunction of
// its lines, over all combinations of inputs on both sides of every limit.
func TestTheGateIsOpenOnlyIfEveryLineHolds(t *testing.T) {
	t.Parallel()
	g := open()
	opened := 0
	no, yes := false, true
	newer := election.Term{Number: 5, Node: "lb-b"}
	space{
		axis(&g.permit.Role, election.Roles()...), axis(&g.permit.Eligible, no, yes), axis(&g.permit.Handover, no, yes),
		axis(&g.term, term, newer), axis(&g.permit.Newest, election.Term{}, term, newer),
		axis(&g.permit.Hold, election.ReasonNone, election.ReasonConfirming),
		axis(&g.ended, 0, ago(2*time.Second), ago(ms(1))), axis(&g.began, 0, ago(10*time.Second), ago(2100*ms(1)), ago(ms(2))),
		axis(&g.permit.Since, 0, ago(2100*ms(1)), now), axis(&g.permit.Own, 0, ago(3*time.Second), now),
	}.walk(func() {
		p := g.permit
		want := p.Role == election.Active && p.Eligible && !p.Handover && g.term == p.Term && p.Newest != newer &&
			p.Hold == election.ReasonNone && g.ended != 0 && g.began > p.Since && g.began > p.Own &&
			g.ended-g.began <= election.Instant(3*time.Second) && now-g.ended <= election.Instant(time.Second)
		got := Gate(now, p, g.term, g.began, g.ended)
		if (got == election.ReasonNone) != want {
			t.Fatalf("got %q for %+v", got, g)
		}
		if want {
			opened++
		}
	})
	if opened == 0 {
		t.Error("nothing opened the gate")
	}
}

// TestTheGateForAnnouncements compares it with its claim, over the same space and what
// is particular to announcements.
func TestTheGateForAnnouncements(t *testing.T) {
	t.Parallel()
	g := open()
	here, opened, blind := false, 0, 0
	no, yes := false, true
	newer := election.Term{Number: 5, Node: "lb-b"}
	space{
		axis(&g.permit.Role, election.Roles()...), axis(&g.permit.Eligible, no, yes), axis(&g.permit.Handover, no, yes),
		axis(&g.permit.Newest, term, newer), axis(&g.permit.Hold, election.ReasonNone, election.ReasonConfirming),
		axis(&g.ended, 0, ago(2*time.Second+1), ago(2*time.Second), ago(ms(1))), axis(&g.began, 0, ago(10*time.Second), ago(2100*ms(1)), ago(ms(2))),
		axis(&g.permit.Since, 0, ago(2100*ms(1)), now), axis(&g.permit.Own, 0, now), axis(&g.permit.MaxAge, time.Second, 40*time.Second),
		axis(&here, no, yes), axis(&g.permit.Away, no, yes), axis(&g.permit.AllHeard, no, yes),
	}.walk(func() {
		p, age := g.permit, g.permit.MaxAge
		if here {
			age = 2 * time.Second
		}
		leads := p.Role == election.Active && p.Eligible && !p.Handover && p.Newest != newer && p.Hold == election.ReasonNone
		read := g.ended != 0 && g.began > p.Since && g.began > p.Own && g.ended-g.began <= election.Instant(3*time.Second) && now.Sub(g.ended) <= age
		want := leads && (read || p.Away && p.AllHeard)
		if got := AnnounceGate(now, p, g.term, g.began, g.ended, here); (got == election.ReasonNone) != want {
			t.Fatalf("got %q for %+v, here %v", got, g, here)
		}
		if want && read {
			opened++
		} else if want {
			blind++
		}
	})
	if opened == 0 || blind == 0 {
		t.Errorf("%d reads opened the gate, %d times the peers did", opened, blind)
	}
}

func TestOnlyReasonsThatAReadCanCureAskForOne(t *testing.T) {
	t.Parallel()
	cured := map[election.Reason]bool{
		election.ReasonReadMissing: true, election.ReasonReadTooEarly: true,
		election.ReasonReadTooSlow: true, election.ReasonReadTooOld: true,
	}
	for _, why := range election.Reasons() {
		if wantsRead(why) != cured[why] {
			t.Errorf("%s: %v", why, wantsRead(why))
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		failures int
		jitter   float64
		want     time.Duration
	}{
		{"the first comes soon", 1, 0, ms(250)},
		{"the most jitter takes off one half", 1, 1, ms(125)},
		{"it doubles", 2, 0, ms(500)},
		{"and doubles", 5, 0, 4 * time.Second},
		{"up to the cap", 7, 0, 10 * time.Second},
		{"the most jitter takes one half off the cap", 7, 1, 5 * time.Second},
		{"the cap holds for ever", 1 << 40, 0, 10 * time.Second},
		{"no failure waits no longer than one", 0, 0, ms(250)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Backoff(tt.failures, tt.jitter); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
