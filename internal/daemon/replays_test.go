// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/transport"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
)

// Whoever has no key can send again what he heard.

func TestACopyOfAProbeRequestIsNotAnswered(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		w.eventually("the node leads", a.bound)
		asker := w.asker(nodeB, keyLine)
		first, second := asker.request(7, 51), asker.request(7, 51)
		answered := func(request []byte) int {
			asker.send(request)
			replies, _ := asker.replies()
			return len(replies)
		}
		if answered(second) != 1 || answered(first) != 1 {
			t.Error("two questions that overtook each other are not answered")
		}
		for range 1000 {
			if answered(first)+answered(second) > 0 {
				t.Fatal("a copy is answered")
			}
		}
		if answered(asker.request(7, 51)) != 1 {
			t.Error("the next question is not answered")
		}
	})
}

// Who draws a session for every question, or has recorded many, takes nothing from a session
// that adverts have proven.
func TestSessionsThatAreNotProvenShareOneBucket(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		w.eventually("the node leads", a.bound)
		asker := w.asker(nodeB, keyLine)
		w.pass(2 * interval)
		asker.advert(a, election.Backup, 0)
		w.pass(time.Millisecond)
		strangers := 0
		for session := range uint64(1000) {
			asker.send(asker.request(100+session, 51))
			replies, _ := asker.replies()
			strangers += len(replies)
		}
		// The burst, and what a second's rate gave back in the second it took.
		if strangers < answersMin || strangers > 2*answersMin+1 {
			t.Errorf("%d of 1000 strangers were answered", strangers)
		}
		for range 2 * answersMin {
			asker.ask(51)
			if replies, _ := asker.replies(); len(replies) != 1 {
				t.Fatal("a session that adverts have proven is not answered")
			}
		}
		proven := 0
		for range 1000 {
			asker.ask(51)
			replies, _ := asker.replies()
			proven += len(replies)
		}
		if proven > 4*answersMin {
			t.Errorf("%d of 1000 were answered", proven)
		}
	})
}

func TestTheWindowKnowsWhatHasCome(t *testing.T) {
	t.Parallel()
	var w window
	come := map[uint64]bool{}
	newest := uint64(0)
	for _, sequence := range []uint64{1, 2, 5, 3, 1024, 1025, 4, 2, 1026, 2047, 1030, 2048, 5000, 3977, 3976, 5000 + windowSize, 5001, 1 << 47} {
		for _, look := range []uint64{1, 2, 3, 4, 5, 1024, 1029, 1030, 2047, 3976, 3977, 4000, 5000, 5001, 5002, sequence} {
			want := come[look] || newest >= windowSize && look <= newest-windowSize
			if got := w.old(look); got != want {
				t.Errorf("with %d the newest, old(%d) is %v", newest, look, got)
			}
		}
		if !w.old(sequence) {
			w.take(sequence)
			come[sequence], newest = true, max(newest, sequence)
		}
	}
}

// A flood that never ends is taken in by turns, so that the engine comes to its timers.
func TestAFloodKeepsTheEngineFromNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		advert := election.Advert{Cluster: "web", From: nodeB, FromAddress: privates[nodeB].Addr(), To: nodeA, Session: 9, Sequence: 1, Interval: interval}
		datagram, err := wire.AppendAdvert(nil, &advert, keyring(t, keyLine))
		w.must(err)
		e := w.build(nodeA, func(_ *node, _ *Options, p *parts) { p.net = flooded{p.net, datagram} }).engine
		taken := 0
		e.receiver.Old = func(wire.Kind, string, uint64, uint64) election.Reason {
			if taken++; taken <= 4*transport.InboxSize {
				e.inbox.Fill() // as its own goroutine does meanwhile
			}
			select {
			case <-e.inbox.Ready():
			default:
			}
			return election.ReasonReplayed
		}
		if e.receive(); taken != transport.InboxSize {
			t.Errorf("one turn took %d datagrams instead of %d", taken, transport.InboxSize)
		}
		select {
		case <-e.inbox.Ready():
		default:
			t.Error("nobody will look at the rest")
		}
	})
}

// flooded is a transport in which a datagram always waits.
type flooded struct {
	transport.Transport
	datagram []byte
}

func (f flooded) Poll(p *transport.Packet) bool {
	*p = transport.Packet{From: netip.MustParseAddrPort("10.0.4.99:7112"), Data: append(p.Data[:0], f.datagram...)}
	return true
}

// A node whose adverts cannot be built would lead in silence: here its metadata service calls
// it what no advert can hold.
func TestANodeThatCannotSayThatItLeadsStepsBack(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.eventually("a leads", a.bound)
		tell := func(instance string) {
			a.engine.post(func() {
				a.engine.step(election.OwnTargets{Targets: []election.NodeTarget{{Provider: "digitalocean", Target: instance}}})
			})
		}
		tell(strings.Repeat("7", 97))
		w.eventually("b leads", b.bound)
		w.pass(4 * activeDown)
		if a.role() != "backup" {
			t.Errorf("a is %s", a.role())
		}
		if n := strings.Count(a.log.lines(slog.LevelDebug), "build advert"); n != 1 {
			t.Errorf("that no advert could be built is said %d times", n)
		}
		want := `no advert to lb-b can be built: encode advert to "lb-b": target "` + strings.Repeat("7", 97) + `"`
		if got := a.text(condUnsayable); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "lb-b hears nothing of this node, which leads nothing as long as it cannot say so: correct what the error names, in the file or at the cloud") {
			t.Errorf("it says %q", got)
		}
		tell(instances[nodeA])
		w.eventually("that is over", func() bool { return a.text(condUnsayable) == "" })
		w.eventually("b hears a again", func() bool {
			return slices.ContainsFunc(b.machine.Status().Groups[0].Nodes, func(n election.NodeStatus) bool { return n.Fresh })
		})
	})
}

// A signed term from the end of the range once silenced an active node that went on leading.
func TestATermFromTheEndOfTheRangeIsRefused(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		w.eventually("the node leads", a.bound)
		asker := w.asker(nodeB, keyLine)
		w.pass(2 * interval)
		asker.advert(a, election.Backup, election.TermMax)
		w.pass(4 * interval)
		if a.role() != "active" || len(a.engine.unsayable) > 0 {
			t.Errorf("it is %s, and says nothing to %v", a.role(), a.engine.unsayable)
		}
		if newest := a.machine.Status().Groups[0].Newest.Number; newest > 10 {
			t.Errorf("it counts on from %d", newest)
		}
		if asker.heard(a.engine.session) == 0 {
			t.Error("it has fallen silent")
		}
	})
}

// A machine that runs a copy of another's file is told from a recording, and named.
func TestTwoLiveDaemonsOfOneNameAreNamed(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.elsewhere = netip.MustParseAddrPort("10.0.4.99:7112")
		second := w.start(nodeB, nil)
		text := "two live daemons call themselves lb-b, one at 10.0.4.21 and one at 10.0.4.99: one of the two machines runs the other's file; " +
			"stop the daemon there, give it its own name (\"node:\" or --node) and start it again"
		w.eventually("a says so", func() bool { return a.text(condNameConflict) == text })
		_ = b
		second.crash()
		w.eventually("a sees that it is over", func() bool { return a.text(condNameConflict) == "" })
		w.wantMoves(0, 0)
	})
}

// A recording of the second daemon's advert, or of another session of the first, is no second
// daemon.
func TestARecordingIsNoSecondDaemon(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.pair()
		socket, err := w.network.Listen(netip.MustParseAddrPort("10.0.4.99:7112"))
		w.must(err)
		for sequence := range uint64(100) {
			advert := election.Advert{Cluster: "web", From: nodeB, FromAddress: privates[nodeB].Addr(), To: nodeA, Session: 9, Sequence: 1 + sequence, Interval: interval}
			datagram, err := wire.AppendAdvert(nil, &advert, keyring(t, keyLine))
			w.must(err)
			w.must(socket.Send(privates[nodeA], netip.Addr{}, datagram))
			w.pass(interval)
			if text := a.text(condNameConflict); text != "" {
				t.Fatal(text)
			}
		}
	})
}

// A peer that comes back from elsewhere, as behind NAT, answers while its former session still
// is the accepted one. It is one daemon, not two: nothing of the former session is news since.
func TestAPeerThatComesBackFromElsewhereIsNoNamesake(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.pair()
		accepted := a.machine.Accepted(nodeB).Session
		for _, tt := range []struct {
			answered, beside uint64
			in               time.Duration
			named            bool
		}{
			{accepted - 1, 0, 0, false},
			{accepted - 1, accepted - 1, 0, false},
			{accepted, accepted, 0, false},
			{accepted - 1, accepted, 4 * interval, false}, // and none of ours has left since that it echoes
			{accepted - 1, accepted, 0, true},
		} {
			ran := make(chan struct{})
			a.engine.post(func() {
				at := a.engine.clock.now().Add(tt.in)
				a.engine.namesakes[nodeB] = &namesakes{answered: proof{netip.MustParseAddrPort("10.0.4.99:7112"), at, tt.answered, tt.beside}}
				close(ran)
			})
			<-ran
			if w.pass(4 * interval); (a.text(condNameConflict) != "") != tt.named {
				t.Errorf("the answer of session %x beside %x of %x: %q", tt.answered, tt.beside, accepted, a.text(condNameConflict))
			}
		}
	})
}

// attacker has no key. He has recorded adverts in the name of a node, of a life that is over, and
// sends from where no node is.
type attacker struct {
	w      *world
	socket transport.Transport
	said   uint64
}

var attackerAt = netip.MustParseAddrPort("10.0.4.99:7112")

func (w *world) attacker() *attacker {
	w.Helper()
	socket, err := w.network.Listen(attackerAt)
	w.must(err)
	return &attacker{w: w, socket: socket}
}

// plays sends the next advert of a recording; without a signature that fits, if he made it up.
func (x *attacker) plays(from, to string, key string, at ...netip.AddrPort) {
	x.w.Helper()
	x.said++
	advert := election.Advert{Cluster: "web", From: from, FromAddress: privates[from].Addr(), To: to, Session: 9, Sequence: x.said, Interval: interval}
	datagram, err := wire.AppendAdvert(nil, &advert, keyring(x.w.T, key))
	x.w.must(err)
	for _, a := range at {
		x.w.must(x.socket.Send(a, netip.Addr{}, datagram))
	}
}

// relays passes what came on: questions to one node, and answers to another.
func (x *attacker) relays(questions, answers netip.AddrPort) (passed int) {
	x.w.Helper()
	for p := (transport.Packet{}); x.socket.Poll(&p); passed++ {
		to := questions
		if wire.Kind(p.Data[1]) == wire.KindProbeReply {
			to = answers
		}
		x.w.must(x.socket.Send(to, netip.Addr{}, p.Data))
	}
	return passed
}

// TestARelayIsNoNamesake: what is asked of a recording is passed on to the node itself, or to the one
// that asks, and the answer back.
func TestARelayIsNoNamesake(t *testing.T) {
	for _, name := range []string{nodeA, nodeB} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, _ := w.pair()
				x, passed := w.attacker(), 0
				for range 200 {
					to := nodeA
					if name == nodeA {
						to = nodeB
					}
					x.plays(name, to, keyLine, privates[nodeA])
					for range 10 {
						w.pass(interval / 20)
						passed += x.relays(privates[name], privates[nodeA])
					}
					if text := a.text(condNameConflict); text != "" {
						w.Fatal(text)
					}
				}
				if passed < 4 {
					w.Errorf("%d questions and answers were passed on", passed)
				}
			})
		})
	}
}

// TestNobodyHidesANamesake: a keyless one sends in the same name all the while, what he has recorded
// and what he makes up, more often than anybody is asked.
func TestNobodyHidesANamesake(t *testing.T) {
	const otherKey = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
	for kind, key := range map[string]string{"recorded": keyLine, "made up": otherKey} {
		for _, name := range []string{nodeA, nodeB} {
			t.Run(name+" "+kind, func(t *testing.T) {
				inWorld(t, target(nodeA), func(w *world) {
					a, b := w.pair()
					x := w.attacker()
					w.pass(5 * time.Second)
					hears := map[string]*node{nodeA: a, nodeB: a}[name]
					w.elsewhere = netip.MustParseAddrPort("10.0.4.98:7112")
					flood := func() {
						to := nodeA
						if name == nodeA {
							to = nodeB
						}
						x.plays(name, to, key, privates[nodeA])
					}
					for range 40 {
						flood()
						w.pass(interval / 10)
					}
					if name == nodeA { // who has its file sends to where b is, which does not pass it on
						w.must(b.stop())
						w.elsewhere, w.called = netip.AddrPort{}, map[string]string{nodeB: nodeA}
						w.start(nodeB, nil)
					} else {
						w.start(nodeB, nil)
					}
					named := false
					for range 600 {
						flood()
						w.pass(interval / 10)
						named = named || hears.text(condNameConflict) != ""
					}
					if !named {
						w.Errorf("two live daemons called %s, and nothing is said", name)
					}
				})
			})
		}
	}
}

// This node's own name, spoken by another: here by a machine that runs this one's file and
// takes what it hears of the first for its own.
func TestBothOfTwoNamesakesSaySo(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		for _, at := range privates { // no probe brings them together
			w.network.SetLink(at.Addr(), floating, transport.Link{Cut: true})
		}
		a := w.start(nodeA, nil)
		w.elsewhere = privates[nodeB]
		second := w.start(nodeA, nil)
		for n, text := range map[*node]string{
			a:      "two live daemons call themselves lb-a, one at 10.0.4.20 (this one) and one at 10.0.4.21: ",
			second: "two live daemons call themselves lb-a, one at 10.0.4.21 (this one) and one at 10.0.4.20: ",
		} {
			w.eventually("it is said", func() bool { return strings.HasPrefix(n.text(condNameConflict), text) })
		}
	})
}

// The election is told of a flood of bad signatures as often as it has use for that.
func TestBadSignaturesAreToldNowAndThen(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		e := w.build(nodeA, nil).engine
		e.packet.From, e.message.From = privates[nodeB], nodeB
		e.refused(election.ReasonBadSignature)
		first := e.badAt[nodeB]
		w.pass(badEvery / 2)
		if e.refused(election.ReasonBadSignature); e.badAt[nodeB] != first {
			t.Error("told again too soon")
		}
		w.pass(badEvery)
		if e.refused(election.ReasonBadSignature); e.badAt[nodeB] == first {
			t.Error("not told again")
		}
	})
}

// What peers are sent leaves from the address by which they know the node, where it has it.
func TestAdvertsLeaveFromTheConfiguredAddress(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		e := w.build(nodeA, nil).engine
		self := ownAddress{asked: true, addr: privates[nodeA].Addr(), local: true}
		for _, tt := range []struct {
			why  string
			own  ownAddress
			want netip.Addr
		}{
			{"the kernel was not asked yet", ownAddress{}, netip.Addr{}},
			{"the kernel calls it local", self, privates[nodeA].Addr()},
			{"it calls another so, by which the node went before a reload", ownAddress{asked: true, addr: floating, local: true}, netip.Addr{}},
			{"it does not", ownAddress{asked: true, addr: self.addr}, netip.Addr{}},
			{"that cannot be told", ownAddress{asked: true, addr: self.addr, err: errors.New("EPERM")}, netip.Addr{}},
		} {
			if e.own = tt.own; e.source(nodeB) != tt.want {
				t.Errorf("%s: the source is %v", tt.why, e.source(nodeB))
			}
		}
	})
}

// anAdvert is one of this cluster's, from a to b.
func anAdvert() *election.Advert {
	return &election.Advert{
		Cluster: "web", From: nodeA, FromAddress: privates[nodeA].Addr(), To: nodeB, Session: 1, Sequence: 1, Interval: interval, Total: 1,
		Groups: []election.GroupAdvert{{VRID: 51, Priority: 100}},
	}
}

// An address that has gone since the kernel was asked silences nobody.
func TestAnAddressThatHasJustGoneIsNoSource(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		peer, err := w.network.Listen(privates[nodeB])
		w.must(err)
		w.elsewhere = netip.MustParseAddrPort("10.0.4.99:7112")
		e := w.build(nodeA, nil).engine
		e.own = ownAddress{asked: true, addr: privates[nodeA].Addr(), local: true}
		e.sendAdvert(nodeB, anAdvert())
		var p transport.Packet
		if !peer.Poll(&p) || p.From != w.elsewhere {
			t.Errorf("it came from %v", p.From)
		}
	})
}

// TestTheOwnerAndAMachineWithItsFileBothSaySo: the second machine hears its own adverts, which
// the file sends to where it is itself, and must ask the first one all the same.
func TestTheOwnerAndAMachineWithItsFileBothSaySo(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		w.must(b.stop())
		w.called = map[string]string{nodeB: nodeA}
		copied := w.start(nodeB, nil)
		w.pass(time.Minute)
		for _, n := range []*node{a, copied} {
			if text := n.text(condNameConflict); !strings.Contains(text, privates[nodeA].Addr().String()) || !strings.Contains(text, privates[nodeB].Addr().String()) {
				t.Errorf("%s says %q", n.name, text)
			}
		}
		w.wantMoves(0, 0)
	})
}
