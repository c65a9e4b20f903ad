// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// scenario is one story that the lab plays, and what must come of it.
type scenario struct {
	name    string
	story   string // one line: what happens, and what must follow
	inSet   bool   // part of the default set
	byHand  bool   // played only when it is named
	prepare func(*clusterOptions)
	// cold scenarios start the daemons themselves; the others begin with a healthy
	// pair whose owner is lb-a.
	cold bool
	act  func(context.Context, *cluster) error
	want want
	// needs says why the scenario does not apply to a kind of address; empty: it does.
	// Nil: it applies to all.
	needs func(offer) string
}

// unfit returns why the scenario does not apply to a kind of address; empty: it does.
func (s scenario) unfit(o offer) string {
	if s.needs == nil {
		return ""
	}
	return s.needs(o)
}

// What scenarios need of a kind of address.

// aWrite is needed where the story is about the call that moves the address.
func aWrite(o offer) string {
	return lacks(o.writes() > 0, "no call moves the address, its owner announces it")
}

// aConsole is needed where somebody moves the address by another way than fipctl.
func aConsole(o offer) string {
	return lacks(!o.capabilities.MovesWithoutAPI, "no console moves the address, and its owner's next announcement takes it back")
}

// anUnbound is needed where nobody holds the address.
func anUnbound(o offer) string {
	return lacks(!o.alwaysHeld, "there is no such address while nobody holds it")
}

// aProbe is needed where the daemons ask through the address.
func aProbe(o offer) string {
	return lacks(!o.six, "no probe can be sent to an IPv6 address on loopback")
}

// want is what must hold when the cluster has settled, beside that elected, bound
// and answering agree. It is written down for a cloud that moves an address in one
// call and asks nothing of the guest; [want.of] says what that comes to elsewhere.
type want struct {
	moves  limits
	writes limits
	noFail bool // every request of the client must have been answered
	owner  int  // who holds the address at the end; anyNode: whoever

	// prompt: between the end of its timer, or its decision if it needed none, and the first
	// write the new owner waits for one owner read at most, the one that was under way.
	prompt bool

	unbound bool // one of the writes binds what nobody holds
	refused bool // the cloud refuses what is written, so that no second call follows
	denied  bool // the cloud refuses what one node writes before another moves the address
	lagging bool // the new owner, or the old one, does not know for a while what its guest must have
}

// of returns what must hold for one kind of address:
//
//	the address is               writes for a move        a move may fail requests
//	moved in one call            1 for each route table   no
//	detached, then attached      2, if unbound 1          yes, while nobody holds it
//	announced by its owner       0                        no
//
// Of a refused move one write for each route table is seen at most. Where the guest
// must have the address, requests fail while it lags behind: another hand has moved the
// address, or a daemon that starts takes off what it does not lead.
func (w want) of(o offer) want {
	switch {
	case o.writes() == 0:
		w.writes = exactly(0)
	case w.refused:
		w.writes.most *= o.tables
	default:
		w.writes = limits{w.writes.least * o.writes(), w.writes.most * o.writes()}
		if w.unbound {
			w.writes.least -= o.writes() - o.bindings()
			w.writes.most -= o.writes() - o.bindings()
		}
		if w.denied {
			w.writes.least++
			w.writes.most += o.tables
		}
	}
	if o.hasGap() && w.writes.most > 0 || o.guest() && w.lagging {
		w.noFail = false
	}
	return w
}

const anyNode = -1

// limits is the least and the most of something that is counted.
type limits struct{ least, most int }

func exactly(n int) limits { return limits{n, n} }

func (l limits) String() string {
	if l.least == l.most {
		return fmt.Sprint(l.least)
	}
	return fmt.Sprintf("%d to %d", l.least, l.most)
}

func (l limits) hold(n int) bool { return n >= l.least && n <= l.most }

// counts is what a scenario came to.
type counts struct {
	moves, writes, failed int
	waited                int // see waitedFor
	stalls                int // see stalls
	owner                 string
}

// violated returns in words which expectations do not hold; empty when all do. A claim
// that a stall ended may have sent its write already, so that each allows for it once more.
func (w want) violated(c counts) string {
	owner := "any node"
	if w.owner != anyNode {
		owner = nodeNames[w.owner]
	}
	if w.writes.most > 0 {
		w.writes.most += c.stalls * w.writes.least
	}
	return all(
		lacks(w.moves.hold(c.moves), "%s instead of %s", plural(c.moves, "move"), w.moves),
		lacks(w.writes.hold(c.writes), "%s instead of %s", plural(c.writes, "write"), w.writes),
		lacks(!w.noFail || c.failed == 0, "%s instead of none", plural(c.failed, "failed request")),
		lacks(!w.prompt || c.waited <= 1, "%s, one after the other, before the first write instead of 1 at most", plural(c.waited, "owner read")),
		lacks(w.owner == anyNode || owner == c.owner, "the final owner is %s instead of %s", orNobody(c.owner), owner),
	)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// choose returns the scenarios that are asked for: none means the default set,
// "all" every one but those that are played by hand.
func choose(every []scenario, names []string) ([]scenario, error) {
	var chosen []scenario
	if len(names) == 0 {
		for _, s := range every {
			if s.inSet {
				chosen = append(chosen, s)
			}
		}
		return chosen, nil
	}
	var unknown []string
	for _, name := range names {
		if name == "all" {
			return slices.DeleteFunc(slices.Clone(every), func(s scenario) bool { return s.byHand }), nil
		}
		if s, ok := find(every, name); ok {
			chosen = append(chosen, s)
		} else {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("choose scenarios: unknown %s; `fipctl lab --list` shows them, `all` runs those that are not marked -",
			strings.Join(unknown, ", "))
	}
	return chosen, nil
}

func find(every []scenario, name string) (scenario, bool) {
	for _, s := range every {
		if s.name == name {
			return s, true
		}
	}
	return scenario{}, false
}

// scenarios returns every scenario, the default set first, by hand last. Ten seconds of waiting
// more or less are written out here, because they are part of the stories.
func scenarios() []scenario {
	every := slices.Concat(faults(), slowness(), restarts(), serviceProbes(), pauses(), oddities(), links(), trios(), credentials(), flaps(), shortages(), hands(), firstStarts(), replays(), identities())
	slices.SortStableFunc(every, func(a, b scenario) int { return rank(a) - rank(b) })
	return every
}

func rank(s scenario) int {
	switch {
	case s.inSet:
		return 0
	case s.byHand:
		return 2
	default:
		return 1
	}
}

// The times of the stories.
const (
	apiDownFor     = 10 * time.Second
	shortRetry     = 5 * time.Second          // displaced_retry of link-cut-blind
	blindCutFor    = 10500 * time.Millisecond // outlasts it twice, and ends before a third
	blindLate      = 30 * time.Second         // that the cut may last longer on a busy machine
	shortPreempt   = 2 * time.Second          // preempt_delay of preempt-back
	foreignWatched = 5 * time.Second
)
