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

// namesakes are the sessions under the name of a node that are not the one that counts. A
// recording has them too, so each is asked: only the daemon of that session, alive and with the
// key, signs it beside the nonce of a question that was never asked before. Whoever passes the
// question on to another daemon of that name, or to this one, gets another session.
//
// Only signed datagrams that go on counting are suspected, and each session by itself. So who has
// no key has no more questions to take from the one that lives than he has recorded lives.
type namesakes struct {
	suspects [suspectsKept]suspect
	here     netip.Addr // of this node's own name: where it was heard on this machine
	answered proof
}

// suspect is one such session.
type suspect struct {
	session, sequence uint64 // and its newest datagram
	from              netip.AddrPort
	at                election.Instant // when that came
	asked             election.Instant // when it was asked last; 0: never
	beside            uint64           // which session was the accepted one then
	nonce             [16]byte         // of the question that has no answer yet
}

// proof is the last answer by which a session lives.
type proof struct {
	from            netip.AddrPort
	at              election.Instant // 0: there is none
	session, beside uint64
}

// suspectsKept is how many sessions of one name are told apart, suspectAskedEvery how often each is
// asked at most, and namesakeFor how long an answer counts at least: while it goes on, it is asked
// again.
const (
	suspectsKept      = 64
	suspectAskedEvery = time.Second
	namesakeFor       = 10 * time.Second
)

// suspect asks the sender of the packet in hand whether he lives: what it says is signed, and of a
// session of a node that is not the accepted one, or not this daemon's.
func (e *engine) suspect(node string, session, sequence uint64) {
	if node == e.node() && session == e.session {
		return // it is this daemon's own word that comes back
	}
	n := e.namesakes[node]
	if n == nil {
		n = &namesakes{}
		e.namesakes[node] = n
	}
	if node == e.node() && e.message.Kind == wire.KindAdvert && e.packet.To.IsValid() {
		n.here = e.packet.To
	}
	now, s := e.clock.now(), n.of(session)
	if sequence <= s.sequence {
		return
	}
	s.sequence, s.from, s.at = sequence, e.packet.From, now
	if s.asked != 0 && now.Sub(s.asked) < suspectAskedEvery {
		return
	}
	if _, err := io.ReadFull(e.random, s.nonce[:]); err != nil {
		e.log.Error("draw nonce", "error", err)
		return
	}
	s.asked, s.beside = now, e.machine.Accepted(node).Session
	e.ask(s.from, s.nonce, e.groups[0].cfg.VRID)
}

// of returns what is known of a session; a new one takes the place of the one that was heard longest
// ago.
func (n *namesakes) of(session uint64) *suspect {
	place := &n.suspects[0]
	for i := range n.suspects {
		s := &n.suspects[i]
		if s.session == session {
			return s
		}
		if s.at < place.at {
			place = s
		}
	}
	*place = suspect{session: session}
	return place
}

// heard reports whether a session under this node's own name has already said that much.
func (n *namesakes) heard(session, sequence uint64) bool {
	for i := range n.suspects {
		if s := &n.suspects[i]; s.session == session {
			return sequence <= s.sequence
		}
	}
	return false
}

// namesakeAnswered takes in the answer to such a question, and reports whether it is one.
func (e *engine) namesakeAnswered(r *wire.ProbeReply) bool {
	n := e.namesakes[r.From]
	if n == nil || r.Nonce == ([16]byte{}) {
		return false
	}
	for i := range n.suspects {
		s := &n.suspects[i]
		if s.nonce != r.Nonce {
			continue
		}
		s.nonce = [16]byte{}
		if r.Session == s.session { // and not that of whom somebody has passed the question on to
			n.answered = proof{s.from, e.clock.now(), s.session, s.beside}
		}
		return true
	}
	return false
}

// namesakeConditions tell of nodes under whose name two daemons live: the one that answered the
// question, and the one whose session was the accepted one, is it still, and has echoed since what
// left after that answer. Of this node the second is this daemon.
func (e *engine) namesakeConditions() []found {
	var fs []found
	add := func(node, one, other string) {
		fs = append(fs, found{conditionKey{"", condNameConflict, node}, status.SeverityCritical, fmt.Sprintf(
			"two live daemons call themselves %s, one at %s and one at %s: one of the two machines runs the other's file; "+
				"stop the daemon there, give it its own name (\"node:\" or --node) and start it again", node, one, other)})
	}
	now := e.clock.now()
	patience := max(namesakeFor, 3*e.cfg.Cluster.AdvertInterval)
	counts := func(n *namesakes) bool { return n != nil && n.answered.at != 0 && now.Sub(n.answered.at) < patience }
	if n := e.namesakes[e.cfg.Node]; counts(n) {
		here := e.cfg.Self().Address.Addr()
		if n.here.IsValid() {
			here = n.here // by the wrong file it is not there
		}
		add(e.cfg.Node, here.String()+" (this one)", n.answered.from.Addr().String())
	}
	for _, p := range e.machine.PeersStatus() {
		n, at := e.namesakes[p.Name], e.heardFrom[p.Name]
		switch accepted := e.machine.Accepted(p.Name).Session; {
		case counts(n) && accepted != 0 && n.answered.beside == accepted && n.answered.session != accepted && p.EchoedAt > n.answered.at:
			add(p.Name, at.Addr().String(), n.answered.from.Addr().String())
		case p.Twice:
			add(p.Name, at.Addr().String(), e.alsoFrom[p.Name].Addr().String())
		}
	}
	return fs
}
