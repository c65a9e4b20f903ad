// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
)

// namesake is somebody else who sends under the name of a node. A recording does that too,
// so he is asked: only a daemon that lives, and has the key, answers a question that was
// never asked before.
type namesake struct {
	nonce    [16]byte
	mine     netip.AddrPort // where a question of this node reached itself; its own adverts come from there
	asked    encounter      // the last one
	answered encounter      // the last one that had an answer
}

// encounter is whom a question went to, when, and beside which session of the node that was the
// accepted one then.
type encounter struct {
	to     netip.AddrPort
	at     election.Instant // 0: there is none
	beside uint64
}

// namesakesAskedEvery is how often one is asked at most, and namesakeFor how long his answer
// counts at least: while he goes on, he is asked again.
const (
	namesakesAskedEvery = time.Second
	namesakeFor         = 10 * time.Second
)

// suspect asks the sender of the packet in hand whether he lives: it claims to be of a node
// of which another session, elsewhere, is the accepted one.
func (e *engine) suspect(node string) {
	now, from := e.clock.now(), e.packet.From
	n := e.namesakes[node]
	if n == nil {
		n = &namesake{}
		e.namesakes[node] = n
	}
	if from == n.mine || from == e.heardFrom[node] || n.asked.at != 0 && now.Sub(n.asked.at) < namesakesAskedEvery {
		return
	}
	if _, err := io.ReadFull(e.random, n.nonce[:]); err != nil {
		e.log.Error("draw nonce", "error", err)
		return
	}
	n.asked = encounter{from, now, e.machine.Accepted(node).Session}
	e.ask(from, n.nonce, e.groups[0].cfg.VRID)
}

// namesakeAnswered takes in the answer to such a question, and reports whether it is one.
func (e *engine) namesakeAnswered(r *wire.ProbeReply) bool {
	n := e.namesakes[r.From]
	if n == nil || n.nonce != r.Nonce || n.nonce == ([16]byte{}) {
		return false
	}
	n.answered, n.nonce = n.asked, [16]byte{}
	return true
}

// askedMyself forgets the question that has reached this node itself: the way to the other
// one ends here.
func (e *engine) askedMyself(r *wire.ProbeRequest) {
	if n := e.namesakes[e.cfg.Node]; n != nil && n.nonce == r.Nonce {
		n.mine, n.nonce = n.asked.to, [16]byte{}
	}
}

// namesakeConditions tell of nodes under whose name two daemons live: the one that answered
// the question, and the one whose session was the accepted one, is it still and was heard after.
// Of this node the second is this daemon.
func (e *engine) namesakeConditions() []found {
	var fs []found
	add := func(node, one, other string) {
		fs = append(fs, found{conditionKey{"", condNameConflict, node}, status.SeverityCritical, fmt.Sprintf(
			"two live daemons call themselves %s, one at %s and one at %s: one of the two machines runs the other's file; "+
				"stop the daemon there, give it its own name (\"node:\" or --node) and start it again", node, one, other)})
	}
	now := e.clock.now()
	patience := max(namesakeFor, 3*e.cfg.Cluster.AdvertInterval)
	counts := func(n *namesake) bool { return n != nil && n.answered.at != 0 && now.Sub(n.answered.at) < patience }
	if n := e.namesakes[e.cfg.Node]; counts(n) {
		here := e.cfg.Self().Address.Addr()
		if n.mine.IsValid() {
			here = n.mine.Addr() // by the wrong file it is not here
		}
		add(e.cfg.Node, here.String()+" (this one)", n.answered.to.Addr().String())
	}
	for _, p := range e.machine.PeersStatus() {
		n, at := e.namesakes[p.Name], e.heardFrom[p.Name]
		switch {
		case counts(n) && n.answered.beside != 0 && n.answered.beside == e.machine.Accepted(p.Name).Session && p.HeardAt > n.answered.at:
			add(p.Name, at.Addr().String(), n.answered.to.Addr().String())
		case p.Twice:
			add(p.Name, at.Addr().String(), e.alsoFrom[p.Name].Addr().String())
		}
	}
	return fs
}
