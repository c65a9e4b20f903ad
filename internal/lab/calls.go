// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

// callKind is what a call to the cloud's API is for.
type callKind int

const (
	// callPreflight is whatever a node asks to learn whether the cloud would give it the
	// address. The first call of a preflight reads the owner, and counts as that.
	callPreflight callKind = iota
	callOwner              // who holds the address
	callOperation          // how far an accepted write is
	callMachine            // in what state another node's machine is
	callWrite
)

// callName is how a vendor's calls of one kind begin: with the action's name, or where it
// has none with the path. has is somewhere in the path or the body; empty: anything.
type callName struct {
	begins, has string
	kind        callKind
}

// kindOfCall finds a call among a vendor's names, of which the first that fits holds. machine is what the cloud calls the
// machine of the node that asks: who asks about itself plans.
func kindOfCall(e fakecloud.Entry, names []callName, machine string) callKind {
	if e.Write {
		return callWrite
	}
	name := e.Action
	if name == "" {
		name = e.Path
	}
	asked := e.Path + " " + e.Body
	for _, n := range names {
		if !strings.HasPrefix(name, n.begins) || !strings.Contains(asked, n.has) {
			continue
		}
		if n.kind == callMachine && machine != "" && strings.Contains(asked, machine) {
			return callPreflight
		}
		return n.kind
	}
	return callPreflight
}

// kindOf returns what a call of the journal is for.
func (c *cloud) kindOf(e fakecloud.Entry) callKind {
	machine := ""
	if i := slices.Index(nodeNames[:], e.Node); i >= 0 {
		machine = c.offer.machineID(i)
	}
	return kindOfCall(e, c.vendor.calls(), machine)
}

// call is one call to the cloud's API, by what it is for.
type call struct {
	span
	kind callKind
}

// calls returns those so far. One without an answer yet lasts until now.
func (c *cloud) calls() []call {
	now := c.model.Now()
	var cs []call
	for _, e := range c.model.Journal() {
		k := call{span{e.Node, e.Arrived, e.Answered}, c.kindOf(e)}
		if e.Answered.IsZero() {
			k.to = now
		}
		cs = append(cs, k)
	}
	return cs
}

// callCounts is how many calls of each kind all nodes made.
type callCounts struct {
	Owner     int `json:"owner_reads"`
	Operation int `json:"operations"`
	Machine   int `json:"machine_states"`
	Preflight int `json:"preflights"`
	Write     int `json:"writes"`
}

// reads is how many of them change nothing.
func (n callCounts) reads() int { return n.Owner + n.Operation + n.Machine + n.Preflight }

// countCalls counts the calls that began between two moments.
func countCalls(cs []call, from, to time.Time) (n callCounts) {
	for _, c := range cs {
		if c.from.Before(from) || c.from.After(to) {
			continue
		}
		switch c.kind {
		case callOwner:
			n.Owner++
		case callOperation:
			n.Operation++
		case callMachine:
			n.Machine++
		case callWrite:
			n.Write++
		default:
			n.Preflight++
		}
	}
	return n
}

// firstMove returns when the address reached the node after t0.
func firstMove(events []event, t0 time.Time, to string) (at time.Time, ok bool) {
	for _, e := range events {
		if e.Kind == eventMoved && e.To == to && to != "" && !e.At.Before(t0) {
			return e.At, true
		}
	}
	return at, false
}

// seenBy returns when a node was first answered that it holds the address after it had
// moved there: the end of a takeover.
func seenBy(cs []call, node string, moved time.Time) (at time.Time, ok bool) {
	for _, c := range cs {
		if c.node == node && c.kind == callOwner && !c.to.Before(moved) && (!ok || c.to.Before(at)) {
			at, ok = c.to, true
		}
	}
	return at, ok
}

// inTurn returns how many owner reads of a node were answered between two moments, one
// after the other. Those that overlap count once, so it is how many the node had to wait
// for if it waited for all that it got.
func inTurn(cs []call, node string, from, to time.Time) (n int) {
	of := slices.DeleteFunc(slices.Clone(cs), func(c call) bool {
		return c.node != node || c.kind != callOwner || !c.to.After(from) || c.to.After(to)
	})
	slices.SortFunc(of, func(a, b call) int { return a.to.Compare(b.to) })
	var last time.Time
	for _, c := range of {
		if n == 0 || !c.from.Before(last) {
			n, last = n+1, c.to
		}
	}
	return n
}
