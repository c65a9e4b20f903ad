// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/transport"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const otherKey = "IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=\n"

func keyring(t *testing.T, line string) *wire.Keyring {
	t.Helper()
	k, err := wire.ParseKeyring([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return &k
}

// asker is a socket beside the nodes that asks them through the floating IP.
type asker struct {
	w      *world
	socket *transport.Memory
	keys   *wire.Keyring
	asked  uint64 // the sequence of the last question
	said   uint64 // and of the last advert
}

// asker takes the place of a node that does not run.
func (w *world) asker(name, key string) *asker {
	w.Helper()
	socket, err := w.network.Listen(privates[name])
	w.must(err)
	return &asker{w: w, socket: socket, keys: keyring(w.T, key)}
}

// ask sends one probe request as lb-b.
func (a *asker) ask(vrids ...uint8) {
	a.w.Helper()
	a.send(a.request(7, vrids...))
}

// request returns the next question of a session of lb-b.
func (a *asker) request(session uint64, vrids ...uint8) []byte {
	a.w.Helper()
	a.asked++
	request := wire.ProbeRequest{Cluster: "web", From: nodeB, Session: session, Sequence: a.asked, Nonce: [16]byte{1, 2, 3}, VRIDs: vrids}
	b, err := wire.AppendProbeRequest(nil, &request, a.keys)
	a.w.must(err)
	return b
}

// send sends a question through the floating IP.
func (a *asker) send(request []byte) {
	a.w.Helper()
	a.w.must(a.socket.Send(netip.AddrPortFrom(floating, 7112), netip.Addr{}, request))
}

// advert sends one advert of the group as lb-b, with the term of another claim. The
// node hears it as the first word of a new session.
func (a *asker) advert(to *node, role election.Role, term uint64) {
	a.w.Helper()
	own := to.engine.session
	a.said++
	advert := election.Advert{
		Cluster: "web", From: nodeB, FromAddress: privates[nodeB].Addr(), To: to.name, Session: 7, Sequence: a.said, Interval: interval,
		Echo: election.Mark{Session: own, Sequence: a.heard(own)}, Total: 1,
		Groups: []election.GroupAdvert{{VRID: 51, Role: role, Priority: 100, Digest: to.engine.cfg.GroupDigest(to.engine.groups[0].cfg),
			Term: election.Term{Number: term, Node: nodeB}, Flags: election.FlagHealthy | election.FlagCanClaim}},
	}
	datagram, err := wire.AppendAdvert(nil, &advert, a.keys)
	a.w.must(err)
	a.w.must(a.socket.Send(privates[to.name], netip.Addr{}, datagram))
}

// heard returns the newest sequence that has come from a session.
func (a *asker) heard(session uint64) (sequence uint64) {
	receiver := wire.Receiver{Cluster: "web", Node: nodeB, Peers: []string{nodeA}, Keys: *keyring(a.w.T, keyLine)}
	var m wire.Message
	for p := (transport.Packet{}); a.socket.Poll(&p); {
		if receiver.Decode(p.Data, &m) == election.ReasonNone && m.Kind == wire.KindAdvert && m.Advert.Session == session {
			sequence = max(sequence, m.Advert.Sequence)
		}
	}
	return sequence
}

// replies returns the probe replies that have come, and where from.
func (a *asker) replies() (replies []wire.ProbeReply, from []netip.AddrPort) {
	a.w.Helper()
	a.w.pass(time.Millisecond)
	receiver := wire.Receiver{Cluster: "web", Node: nodeB, Peers: []string{nodeA}, Keys: *keyring(a.w.T, keyLine)}
	var m wire.Message
	for p := (transport.Packet{}); a.socket.Poll(&p); {
		if receiver.Decode(p.Data, &m) == election.ReasonNone && m.Kind == wire.KindProbeReply {
			reply := m.Reply
			reply.Groups = append([]wire.ProbeGroup(nil), reply.Groups...)
			replies, from = append(replies, reply), append(from, p.From)
		}
	}
	return replies, from
}

func TestAProbeIsAnsweredFromTheAddressThatWasAsked(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		w.eventually("the node leads", a.bound)
		asker := w.asker(nodeB, keyLine)
		want := wire.ProbeReply{Cluster: "web", From: nodeA, To: nodeB, Session: a.engine.session, Nonce: [16]byte{1, 2, 3},
			Groups: []wire.ProbeGroup{{VRID: 51, Role: election.Active, Healthy: true}}}
		for name, vrids := range map[string][]uint8{"about all groups": nil, "about the one": {51}} {
			asker.ask(vrids...)
			replies, from := asker.replies()
			if diff := cmp.Diff([]wire.ProbeReply{want}, replies); diff != "" {
				t.Errorf("%s: replies (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff([]netip.AddrPort{netip.AddrPortFrom(floating, 7112)}, from, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
				t.Errorf("%s: from (-want +got):\n%s", name, diff)
			}
		}
		asker.ask(9)
		if replies, _ := asker.replies(); len(replies) != 1 || len(replies[0].Groups) != 0 {
			t.Errorf("about a group that it has not: %+v", replies)
		}
	})
}

func TestABadlySignedProbeIsNotAnswered(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		w.eventually("the node leads", a.bound)
		asker := w.asker(nodeB, otherKey)
		asker.ask()
		if replies, _ := asker.replies(); len(replies) > 0 {
			t.Errorf("got %+v", replies)
		}
	})
}

func TestDatagramsSignedWithAnotherKeyElectNobodyAndHoldATakeoverBack(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		b := w.start(nodeB, nil)
		forger := w.asker(nodeA, otherKey)
		send := func() {
			advert := election.Advert{Cluster: "web", From: nodeA, FromAddress: privates[nodeA].Addr(), To: nodeB, Session: 9, Sequence: 1, Interval: interval, Total: 1,
				Groups: []election.GroupAdvert{{VRID: 51, Role: election.Active, Priority: 254}}}
			datagram, err := wire.AppendAdvert(nil, &advert, forger.keys)
			w.must(err)
			w.must(forger.socket.Send(privates[nodeB], netip.Addr{}, datagram))
		}
		for range 4 * 60 {
			send()
			w.pass(interval)
		}
		if b.role() != "backup" || b.state().Waiting == nil || b.state().Waiting.Reason != "auth-mismatch" {
			t.Errorf("it is %s and waits for %+v", b.role(), b.state().Waiting)
		}
		if peer := b.state().Nodes[0]; peer.LastAdvertAgeMS != nil || peer.Role != "unknown" {
			t.Errorf("it believes %+v", peer)
		}
		want := "datagrams from lb-a are signed with a key this node does not have; give both nodes the same key file"
		if got := b.text(condAuthMismatch); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		w.wantMoves(0, 0)
		w.eventually("it claims when they end", b.bound)
	})
}

// TestAnotherVersionHoldsATakeoverBackToo: such a node lives, and may lead.
func TestAnotherVersionHoldsATakeoverBackToo(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		b := w.start(nodeB, nil)
		other := w.asker(nodeA, keyLine)
		send := func(first byte, from *asker) {
			advert := election.Advert{Cluster: "web", From: nodeA, FromAddress: privates[nodeA].Addr(), To: nodeB, Session: 9, Sequence: 1, Interval: interval, Total: 1,
				Groups: []election.GroupAdvert{{VRID: 51, Role: election.Active, Priority: 254}}}
			datagram, err := wire.AppendAdvert(nil, &advert, from.keys)
			w.must(err)
			datagram[0] = first
			w.must(from.socket.Send(privates[nodeB], netip.Addr{}, datagram))
		}
		for range 4 * 120 {
			send(wire.Version+1, other)
			w.pass(interval)
		}
		if b.role() != "backup" || b.state().Waiting == nil || b.state().Waiting.Reason != "bad-version" {
			t.Errorf("it is %s and waits for %+v", b.role(), b.state().Waiting)
		}
		want := "datagrams from lb-a are of another version of the protocol, and nobody of the two takes over from the other; run the same release on all nodes"
		if got := b.text(condVersionMismatch); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		w.wantMoves(0, 0)
		for range 40 { // noise is no version
			send('G', other)
			w.pass(interval)
		}
		if !b.bound() {
			t.Errorf("it is %s and waits for %+v", b.role(), b.state().Waiting)
		}
	})
}

// TestForgeriesFromElsewhereHoldNothingBack: only the address of the peer itself
// speaks for it.
func TestForgeriesFromElsewhereHoldNothingBack(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		a.crash()
		socket, err := w.network.Listen(netip.MustParseAddrPort("10.0.4.99:7112"))
		w.must(err)
		datagram, err := wire.AppendAdvert(nil, &election.Advert{Cluster: "web", From: nodeA, FromAddress: privates[nodeA].Addr(), To: nodeB, Session: 9, Sequence: 1, Interval: interval}, keyring(t, otherKey))
		w.must(err)
		for range 40 {
			w.must(socket.Send(privates[nodeB], netip.Addr{}, datagram))
			w.must(socket.Send(privates[nodeB], netip.Addr{}, []byte("noise")))
			w.pass(interval)
		}
		if !b.bound() {
			t.Errorf("it is %s and waits for %+v", b.role(), b.state().Waiting)
		}
	})
}

func TestQuestionsUnderWayAreBounded(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.build(nodeA, nil)
		g := a.engine.groups[0]
		for range 10 * probesMax {
			a.engine.sendProbe(g)
		}
		if len(g.probed) > probesMax {
			t.Errorf("%d nonces are kept", len(g.probed))
		}
	})
}
