// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fipctl/fipctl/pkg/election"
)

func TestEveryAdvertComesBackAsItWasSent(t *testing.T) {
	t.Parallel()
	k := ring(t, 0)
	var m Message // reused on purpose: nothing may be left over from the last one
	rapid.Check(t, func(rt *rapid.T) {
		a := drawAdvert(rt)
		b, err := AppendAdvert(nil, a, &k)
		if err != nil {
			rt.Fatal(err)
		}
		r := &Receiver{Cluster: a.Cluster, Node: a.To, Peers: []string{a.From}, Keys: k}
		if reason := r.Decode(b, &m); reason != election.ReasonNone {
			rt.Fatalf("refused as %q", reason)
		}
		if d := diff(a, &m.Advert); d != "" {
			rt.Fatalf("sent (-) and received (+) differ:\n%s", d)
		}
		again, err := AppendAdvert(nil, &m.Advert, &k)
		if err != nil || !bytes.Equal(b, again) {
			rt.Fatalf("encoding the decoded advert gives other bytes (error %v)", err)
		}
	})
}

func TestTheExampleAdvertsComeBackAsTheyWereSent(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]*election.Advert{"minimal": minimalAdvert(), "full": fullAdvert()} {
		m := expect(t, receiver(t), encode(t, a), election.ReasonNone)
		if d := diff(a, &m.Advert); d != "" {
			t.Errorf("%s: sent (-) and received (+) differ:\n%s", name, d)
		}
		if m.Kind != KindAdvert || m.From != "lb-a" || !m.Signed {
			t.Errorf("%s: kind %v from %q, signed %v", name, m.Kind, m.From, m.Signed)
		}
	}
}

func TestTimesAreRoundedSoThatNothingLooksFresher(t *testing.T) {
	t.Parallel()
	a := fullAdvert()
	g := &a.Groups[0]
	a.Uptime = 90*time.Second + 999*time.Microsecond
	a.Interval = time.Second + time.Nanosecond
	g.Owner.Age = 1
	g.Owner.UnboundAge = 1 // not zero, which would mean that it is bound
	g.Probe.Age = -time.Second
	g.Relay[0].Age = 400 * 24 * time.Hour
	g.Handover.Remaining = 1999 * time.Microsecond
	m := expect(t, receiver(t), encode(t, a), election.ReasonNone)

	want := fullAdvert()
	w := &want.Groups[0]
	want.Interval = 1001 * time.Millisecond
	w.Owner.Age, w.Owner.UnboundAge = time.Millisecond, time.Millisecond
	w.Probe.Age, w.Relay[0].Age = 0, 24*time.Hour
	w.Handover.Remaining = time.Millisecond
	if d := diff(want, &m.Advert); d != "" {
		t.Errorf("wanted (-) and received (+) differ:\n%s", d)
	}
}

func TestPartsWithoutMeaningAreLeftOut(t *testing.T) {
	t.Parallel()
	a := minimalAdvert()
	a.Total, a.Groups = 1, []election.GroupAdvert{{VRID: 1}}
	want := encode(t, a)
	g := &a.Groups[0]
	g.Request.ID = 7
	g.Handover.ID, g.Handover.Remaining = 7, time.Second
	g.Owner.Node = "lb-a"
	g.Probe.Age = time.Second
	g.Owner.UnboundAge = -1
	if got := encode(t, a); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestAppendingKeepsWhatIsInFront(t *testing.T) {
	t.Parallel()
	k := ring(t, 0)
	b, err := AppendAdvert([]byte("front"), minimalAdvert(), &k)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutPrefix(b, []byte("front"))
	if !ok || !bytes.Equal(rest, encode(t, minimalAdvert())) {
		t.Errorf("got %x", b)
	}
}

// drawAdvert draws an advert of at most four nodes and three groups, with every
// field over its whole range at the resolution of the wire.
func drawAdvert(t *rapid.T) *election.Advert {
	name := rapid.StringMatching(`[a-z0-9.-]{1,12}`)
	nodes := rapid.SliceOfNDistinct(name, 2, 4, rapid.ID[string]).Draw(t, "nodes")
	a := &election.Advert{
		Cluster: name.Draw(t, "cluster"), From: nodes[0], To: nodes[1],
		FromAddress: drawAddress(t),
		Session:     rapid.Uint64Min(1).Draw(t, "session"),
		Sequence:    rapid.Uint64Range(1, numberMax).Draw(t, "sequence"),
		Uptime:      time.Duration(rapid.Int64Range(0, uptimeMax).Draw(t, "uptime")) * time.Millisecond,
		Interval:    drawMillis(t, intervalMin, intervalMax),
		Echo:        drawMark(t), Hello: drawMark(t),
	}
	for _, p := range rapid.SliceOfNDistinct(name, 0, 2, rapid.ID[string]).Draw(t, "providers") {
		target := rapid.StringMatching(`[!-~]{1,96}`).Draw(t, "target")
		a.Targets = append(a.Targets, election.NodeTarget{Provider: p, Target: target})
	}
	vrid := rapid.Uint8Min(1)
	for _, v := range rapid.SliceOfNDistinct(vrid, 0, 3, rapid.ID[uint8]).Draw(t, "vrids") {
		a.Groups = append(a.Groups, drawGroup(t, v, nodes))
	}
	a.Total = rapid.Uint8Min(uint8(len(a.Groups))).Draw(t, "total")
	return a
}

func drawGroup(t *rapid.T, vrid uint8, nodes []string) election.GroupAdvert {
	node := rapid.SampledFrom(nodes)
	maybe := rapid.Bool()
	g := election.GroupAdvert{
		VRID: vrid, Digest: rapid.Uint32().Draw(t, "digest"), Role: drawRole(t),
		Priority: rapid.Uint8Max(254).Draw(t, "priority"),
		Flags:    election.Flags(rapid.Uint16().Draw(t, "flags")),
		Reason:   election.Reason(rapid.Uint8().Draw(t, "reason")),
		Term:     election.Term{Number: rapid.Uint64Max(termMax).Draw(t, "term")},
	}
	g.Owner.Kind = election.OwnerKind(rapid.Uint8Max(3).Draw(t, "owner"))
	g.Owner.Age = drawMillis(t, 0, ageMax)
	g.Owner.UnboundAge = drawMillis(t, 0, ageMax)
	if g.Owner.Kind == election.OwnerNode {
		g.Owner.Node = node.Draw(t, "owner node")
	}
	if maybe.Draw(t, "has term node") {
		g.Term.Node = node.Draw(t, "term node")
	}
	if maybe.Draw(t, "has request") {
		g.Request = election.Request{
			Kind: election.RequestKind(rapid.Uint8Range(1, 2).Draw(t, "request")), ID: rapid.Uint64().Draw(t, "id"),
		}
	}
	if maybe.Draw(t, "has handover") {
		g.Handover = election.Handover{
			To: node.Draw(t, "successor"), ID: rapid.Uint64().Draw(t, "id"), Remaining: drawMillis(t, 0, ageMax),
		}
	}
	if maybe.Draw(t, "has probe") {
		g.Probe = election.ProbeReport{AnsweredBy: node.Draw(t, "answered by"), Age: drawMillis(t, 0, ageMax)}
	}
	for _, n := range slices.Compact(nodes[:rapid.IntRange(0, len(nodes)).Draw(t, "relays")]) {
		g.Relay = append(g.Relay, election.Relay{
			Node: n, Age: drawMillis(t, 0, ageMax), Role: drawRole(t), Healthy: maybe.Draw(t, "healthy"),
		})
	}
	return g
}

func drawRole(t *rapid.T) election.Role {
	return rapid.SampledFrom(election.Roles()).Draw(t, "role")
}

func drawMark(t *rapid.T) election.Mark {
	if rapid.Bool().Draw(t, "no mark") {
		return election.Mark{}
	}
	return election.Mark{
		Session:  rapid.Uint64Min(1).Draw(t, "mark session"),
		Sequence: rapid.Uint64Range(1, numberMax).Draw(t, "mark sequence"),
	}
}

func drawMillis(t *rapid.T, low, high time.Duration) time.Duration {
	return time.Duration(rapid.Int64Range(low.Milliseconds(), high.Milliseconds()).Draw(t, "ms")) * time.Millisecond
}

func drawAddress(t *rapid.T) netip.Addr {
	if rapid.Bool().Draw(t, "IPv4") {
		return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
	}
	b := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address"))
	b[0] |= 0x20 // outside the range that maps IPv4
	return netip.AddrFrom16(b)
}
