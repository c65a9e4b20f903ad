// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/transport"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
)

// receive takes in every datagram that has arrived, those still in the kernel
// included (invariant 7). What comes meanwhile waits for the next turn, so that no flood
// keeps the engine: of one, what the inbox holds is taken, and the rest is dropped and counted.
func (e *engine) receive() {
	e.inbox.Fill()
	taken := 0
	for ; taken < transport.InboxSize && e.inbox.Take(&e.packet); taken++ {
		if e.packet.Refused {
			e.noteRefusal()
			continue
		}
		e.datagram()
	}
	if taken == transport.InboxSize {
		e.inbox.Fill() // announces what is left
	}
	if dropped := e.inbox.Dropped(); dropped > e.dropped {
		e.metrics.DatagramsDropped(int(dropped - e.dropped))
		e.dropped = dropped
	}
}

// deadFor is how long a notice that nothing listens at a peer's port is told: adverts
// keep bringing new ones while it is so.
const deadFor = 10 * time.Second

// deadText is what such a notice means for people.
const deadText = "its host answers that nothing listens: the daemon is dead, the host alive"

// noteRefusal keeps when the host of a peer last said that nothing listens there. It
// is a label for people and never evidence: anybody can forge it.
func (e *engine) noteRefusal() {
	for name, at := range e.peers {
		if at == e.packet.From {
			e.refusals[name] = e.clock.now()
		}
	}
}

// seemsDead reports whether a peer is silent while its host says that nothing listens.
func (e *engine) seemsDead(n election.NodeStatus) bool {
	at, ok := e.refusals[n.Name]
	return ok && !n.Fresh && !n.Lacks && at > n.At && e.clock.now().Sub(at) < deadFor
}

// datagram checks one datagram and brings it to whom it concerns.
func (e *engine) datagram() {
	why := e.receiver.Decode(e.packet.Data, &e.message)
	if why != election.ReasonNone {
		e.refused(why)
		return
	}
	switch e.message.Kind {
	case wire.KindAdvert:
		e.metrics.AdvertAccepted(e.message.From, time.Now())
		e.advert(&e.message.Advert)
	case wire.KindProbeRequest:
		e.answerProbe()
	case wire.KindProbeReply:
		e.probeReply(&e.message.Reply)
	}
}

// advert brings an advert to the election, and keeps where it came from.
func (e *engine) advert(a *election.Advert) {
	if e.peers[a.From].Addr() == e.packet.From.Addr() {
		e.step(election.Received{Advert: a})
	} else {
		e.step(election.ReceivedElsewhere{Advert: a})
	}
	if e.machine.Accepted(a.From).Session == a.Session {
		e.heardFrom[a.From] = e.packet.From
		return
	}
	e.alsoFrom[a.From] = e.packet.From
	e.suspect(a.From, a.Session, a.Sequence)
}

// old says of a datagram that is only claimed to be by a node whether it cannot be news.
func (e *engine) old(kind wire.Kind, from string, session, sequence uint64) election.Reason {
	switch n := e.namesakes[from]; {
	case kind == wire.KindAdvert && from != e.node():
		return e.machine.Old(from, session, sequence)
	case kind == wire.KindAdvert && (session == e.session || n != nil && n.heard(session, sequence)):
		return election.ReasonReplayed
	case kind == wire.KindAdvert:
		return election.ReasonNone
	}
	if e.askers.old(from, session, sequence) {
		return election.ReasonReplayed
	}
	return election.ReasonNone
}

// badEvery is how often the election is told at most that a peer's datagrams do not verify: what
// follows from it lasts for an active-down, which is longer.
const badEvery = 50 * time.Millisecond

// refused counts a datagram that is not believed. A wrong key or signature from the address of
// the peer that it claims to be holds back a takeover, and so does another version.
func (e *engine) refused(why election.Reason) {
	e.metrics.AdvertRefused(why)
	if e.log.Enabled(context.Background(), slog.LevelDebug) {
		e.log.Debug("datagram refused", "from", e.packet.From.String(), "peer", e.message.From, "reason", why.String())
	}
	if why == election.ReasonWrongReceiver && e.message.Signed {
		e.suspect(e.node(), e.message.Advert.Session, e.message.Advert.Sequence)
	}
	e.complain("", why)
	switch why {
	case election.ReasonUnknownKey, election.ReasonBadSignature:
		e.bad(e.message.From, func(peer string) election.Event { return election.BadlySigned{Peer: peer} })
	case election.ReasonBadVersion:
		if wire.OtherVersion(e.packet.Data) {
			e.bad(e.peerAt(), func(peer string) election.Event { return election.OtherVersion{Peer: peer} })
		}
	}
}

// bad tells the election of a datagram that does not verify, if it came from the address of
// the peer that it is said to be from.
func (e *engine) bad(peer string, ev func(peer string) election.Event) {
	now := e.clock.now()
	if at, ok := e.peers[peer]; ok && at.Addr() == e.packet.From.Addr() && (e.badAt[peer] == 0 || now.Sub(e.badAt[peer]) >= badEvery) {
		e.badAt[peer] = now
		e.step(ev(peer))
	}
}

// sendAdvert sends all parts of an advert at once: a word that waits for its turn comes
// late, and a burst of them fits in every buffer (docs/design.md decision 79).
func (e *engine) sendAdvert(peer string, a *election.Advert) {
	source := e.source(peer)
	for next, more := 0, true; more; more = next < len(a.Groups) {
		b, after, err := wire.AppendPart(e.out[:0], a, next, &e.receiver.Keys)
		if err != nil {
			if e.unsayable[peer] == nil {
				e.log.Error("build advert", "peer", peer, "error", err)
			}
			e.unsayable[peer] = err
			return
		}
		e.out, next = b, after
		err = e.net.Send(e.peers[peer], source, b)
		if err != nil && source.IsValid() { // it may have gone since the kernel was asked
			err = e.net.Send(e.peers[peer], netip.Addr{}, b)
		}
		if err != nil {
			e.log.Debug("send advert", "peer", peer, "error", err)
			continue
		}
		e.metrics.AdvertSent(peer)
	}
	delete(e.unsayable, peer)
}

// source returns the configured address of this node where it is one of this machine's, since
// peers know the node by it, or else what leaves the choice to the system.
func (e *engine) source(peer string) netip.Addr {
	self := e.cfg.OwnAddress()
	if self.Is4() != e.peers[peer].Addr().Is4() || !e.own.local || e.own.addr != self {
		return netip.Addr{}
	}
	return self
}

// probesMax bounds the questions of one group whose answers are awaited, and
// probeKept how long an answer is still of use.
const (
	probesMax = 64
	probeKept = 10 * time.Second
)

// sendProbe asks through the first address of a group who is there, at the port
// on which this node itself listens.
func (e *engine) sendProbe(g *group) {
	if g == nil || len(g.cfg.Addresses) == 0 {
		return
	}
	var fresh [16]byte
	if _, err := io.ReadFull(e.random, fresh[:]); err != nil {
		e.log.Error("draw nonce", "error", err)
		return
	}
	now := e.clock.now()
	for nonce, asked := range g.probed {
		if len(g.probed) >= probesMax || now.Sub(asked) > probeKept {
			delete(g.probed, nonce)
		}
	}
	g.probed[fresh] = now
	e.ask(netip.AddrPortFrom(g.cfg.Addresses[0].IP, e.cfg.Self().Address.Port()), fresh, g.cfg.VRID)
}

// ask sends one signed question about a group.
func (e *engine) ask(to netip.AddrPort, nonce [16]byte, vrid uint8) {
	e.probes++
	request := wire.ProbeRequest{
		Cluster: e.cfg.Cluster.ID, From: e.cfg.Node, Session: e.session, Sequence: e.probes, Nonce: nonce, VRIDs: []uint8{vrid},
	}
	b, err := wire.AppendProbeRequest(e.out[:0], &request, &e.receiver.Keys)
	if err != nil {
		e.log.Error("build probe", "to", to.String(), "error", err)
		return
	}
	e.out = b
	if err := e.net.Send(to, netip.Addr{}, b); err != nil {
		e.log.Debug("send probe", "to", to.String(), "error", err)
	}
}

// answerProbe tells a peer that asks through a floating IP who is here, from the
// address that was asked.
func (e *engine) answerProbe() {
	request := &e.message.Request
	self := request.From == e.node()
	proven := self && request.Session == e.session || !self && request.Session == e.machine.Accepted(request.From).Session
	if why := e.askers.admit(request, proven); why != election.ReasonNone {
		e.metrics.AdvertRefused(why)
		return
	}
	reply := wire.ProbeReply{Cluster: e.cfg.Cluster.ID, From: e.cfg.Node, To: request.From, Session: e.session, Nonce: request.Nonce}
	for _, g := range e.groups {
		if len(request.VRIDs) > 0 && !slices.Contains(request.VRIDs, g.cfg.VRID) {
			continue
		}
		s := e.groupStatus(g)
		reply.Groups = append(reply.Groups, wire.ProbeGroup{VRID: s.VRID, Role: s.Role, Healthy: s.Healthy})
	}
	b, err := wire.AppendProbeReply(e.out[:0], &reply, &e.receiver.Keys, len(e.packet.Data))
	if err != nil {
		e.log.Debug("build probe reply", "peer", request.From, "error", err)
		return
	}
	e.out = b
	if err := e.net.Send(e.packet.From, e.packet.To, b); err != nil {
		e.log.Debug("send probe reply", "peer", request.From, "error", err)
	}
	if self {
		e.suspect(request.From, request.Session, request.Sequence)
	}
}

// probeReply takes in the answer to one of our own questions.
func (e *engine) probeReply(r *wire.ProbeReply) {
	if e.namesakeAnswered(r) {
		return
	}
	for _, g := range e.groups {
		asked, ok := g.probed[r.Nonce]
		if !ok {
			continue
		}
		delete(g.probed, r.Nonce)
		answer := election.ProbeAnswered{Group: g.cfg.Name, Node: r.From, Asked: asked, Unknown: true}
		for _, pg := range r.Groups {
			if pg.VRID == g.cfg.VRID {
				answer.Unknown, answer.Role, answer.Healthy = false, pg.Role, pg.Healthy
			}
		}
		e.step(answer)
		return
	}
}
