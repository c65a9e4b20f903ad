// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
)

// receive takes in every datagram that has arrived, those still in the kernel
// included (invariant 7).
func (e *engine) receive() {
	e.inbox.Fill()
	for e.inbox.Take(&e.packet) {
		if e.packet.Refused {
			e.noteRefusal()
			continue
		}
		e.datagram()
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
		e.step(election.Received{Advert: &e.message.Advert})
	case wire.KindProbeRequest:
		e.answerProbe()
	case wire.KindProbeReply:
		e.probeReply(&e.message.Reply)
	}
}

// refused counts a datagram that is not believed. A wrong key or signature from
// the address of the peer that it claims to be holds back a takeover.
func (e *engine) refused(why election.Reason) {
	e.metrics.AdvertRefused(why)
	e.log.Debug("datagram refused", "from", e.packet.From.String(), "peer", e.message.From, "reason", why.String())
	e.complain("", why)
	if why != election.ReasonUnknownKey && why != election.ReasonBadSignature {
		return
	}
	if at, ok := e.peers[e.message.From]; ok && at.Addr() == e.packet.From.Addr() {
		e.step(election.BadlySigned{Peer: e.message.From})
	}
}

// sendAdvert sends all parts of an advert at once: a word that waits for its turn comes
// late, and a burst of them fits in every buffer (docs/design.md decision NN).
func (e *engine) sendAdvert(peer string, a *election.Advert) {
	for next, more := 0, true; more; more = next < len(a.Groups) {
		b, after, err := wire.AppendPart(e.out[:0], a, next, &e.receiver.Keys)
		if err != nil {
			e.log.Error("build advert", "peer", peer, "error", err)
			return
		}
		e.out, next = b, after
		if err := e.net.Send(e.peers[peer], netip.Addr{}, b); err != nil {
			e.log.Debug("send advert", "peer", peer, "error", err)
			continue
		}
		e.metrics.AdvertSent(peer)
	}
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
	request := wire.ProbeRequest{Cluster: e.cfg.Cluster.ID, From: e.cfg.Node, Session: e.session, VRIDs: []uint8{g.cfg.VRID}}
	if _, err := io.ReadFull(e.random, request.Nonce[:]); err != nil {
		e.log.Error("draw nonce", "error", err)
		return
	}
	b, err := wire.AppendProbeRequest(e.out[:0], &request, &e.receiver.Keys)
	if err != nil {
		e.log.Error("build probe", "group", g.cfg.Name, "error", err)
		return
	}
	e.out = b
	now := e.clock.now()
	for nonce, asked := range g.probed {
		if len(g.probed) >= probesMax || now.Sub(asked) > probeKept {
			delete(g.probed, nonce)
		}
	}
	g.probed[request.Nonce] = now
	to := netip.AddrPortFrom(g.cfg.Addresses[0].IP, e.cfg.Self().Address.Port())
	if err := e.net.Send(to, netip.Addr{}, b); err != nil {
		e.log.Debug("send probe", "group", g.cfg.Name, "error", err)
	}
}

// answerProbe tells a peer that asks through a floating IP who is here, from the
// address that was asked.
func (e *engine) answerProbe() {
	request := &e.message.Request
	if !e.answers.Allow() {
		e.metrics.AdvertRefused(election.ReasonRateLimited)
		return
	}
	reply := wire.ProbeReply{Cluster: e.cfg.Cluster.ID, From: e.cfg.Node, To: request.From, Nonce: request.Nonce}
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
}

// probeReply takes in the answer to one of our own questions.
func (e *engine) probeReply(r *wire.ProbeReply) {
	for _, g := range e.groups {
		asked, ok := g.probed[r.Nonce]
		if !ok {
			continue
		}
		delete(g.probed, r.Nonce)
		for _, pg := range r.Groups {
			if pg.VRID == g.cfg.VRID {
				e.step(election.ProbeAnswered{Group: g.cfg.Name, Node: r.From, Asked: asked, Role: pg.Role, Healthy: pg.Healthy})
				return
			}
		}
	}
}
