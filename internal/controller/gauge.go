// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

const (
	// gaugeOver is over how long it is watched how fast what remains falls, by one note in
	// gaugeEvery; and gaugeLeast is how long at least. A takeover or two within a minute
	// are no trend.
	gaugeOver  = 10 * time.Minute
	gaugeEvery = 30 * time.Second
	gaugeLeast = time.Minute
	// gaugeAhead is how soon what remains must be gone, at the pace at which it falls, for
	// that to be worth a word: time enough to do something about it.
	gaugeAhead = 30 * time.Minute
	// gaugeEnds is by how much a warning must be outdone for it to end.
	gaugeEnds = 1.5
)

// steadyReads and steadyPreflights are how often an hour a node reads all addresses at rest,
// and asks whether a move would be refused (docs/design.md 5.2).
const (
	steadyReads      = 60
	steadyPreflights = 6
)

// SteadyNeed returns how many calls an hour so many nodes make at rest: with so many for
// one read of all their addresses, and so many for the preflights of them.
func SteadyNeed(nodes, read, preflight int) int {
	return nodes*steadyReads*read + (nodes-1)*steadyPreflights*preflight
}

// Gauge follows what remains of an account's calls, to tell when somebody else uses them
// up. Its zero value has heard nothing.
type Gauge struct {
	notes    []gaugeNote // oldest first, at most gaugeOver/gaugeEvery + 2
	last     gaugeNote
	limit    int
	window   time.Duration
	strained bool
}

// gaugeNote is what remained at one moment, and how many calls this node had made.
type gaugeNote struct {
	at        election.Instant
	remaining int
	calls     int
}

// Strain is why an account's calls may not be enough.
type Strain struct {
	Low   bool          // less remains than the cluster needs
	Over  time.Duration // how long it has been watched
	Fell  int           // by how much what remains fell in that time; negative: it rose
	Calls int           // how many calls this node made in it
}

// Note takes in what the provider said. A driver that was opened anew counts from nothing,
// and an account with another limit is another one.
func (g *Gauge) Note(now election.Instant, a providers.Allowance) {
	n := gaugeNote{now, a.Remaining, a.Calls}
	if a.Limit != g.limit || n.calls < g.last.calls {
		g.notes, g.limit = nil, a.Limit
	}
	g.last, g.window = n, a.Window
	if len(g.notes) == 0 || now.Sub(g.notes[len(g.notes)-1].at) >= gaugeEvery {
		g.notes = append(g.notes, n)
	}
	for len(g.notes) > 1 && now.Sub(g.notes[0].at) > gaugeOver {
		g.notes = g.notes[1:]
	}
}

// Strained reports whether what remains may not be enough for a cluster of so many nodes
// that needs so many calls an hour: there is less, or there soon will be because somebody
// else calls more often than all nodes together, which are taken to call as often as this
// one.
func (g *Gauge) Strained(now election.Instant, nodes, need int) (Strain, bool) {
	if len(g.notes) == 0 || now.Sub(g.last.at) >= g.window {
		g.strained = false
		return Strain{}, false
	}
	first := g.notes[0]
	s := Strain{Over: g.last.at.Sub(first.at), Fell: first.remaining - g.last.remaining, Calls: g.last.calls - first.calls}
	ease := 1.0
	if g.strained {
		ease = gaugeEnds
	}
	s.Low = float64(g.last.remaining) < ease*(float64(need)*g.window.Hours()+callsKept)
	others := s.Fell - nodes*s.Calls
	falls := s.Over >= gaugeLeast && others > nodes*s.Calls &&
		float64(g.last.remaining)*s.Over.Minutes() < ease*float64(s.Fell)*gaugeAhead.Minutes()
	g.strained = s.Low || falls
	return s, g.strained
}
