// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"errors"
	"fmt"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// AppendAdvert appends the datagram of a, signed with the first key of k, and
// returns the extended slice. It fails, with dst unchanged, where AppendPart does, and
// with ErrTooLarge if one datagram does not hold all groups of a.
func AppendAdvert(dst []byte, a *election.Advert, k *Keyring) ([]byte, error) {
	b, next, err := AppendPart(dst, a, 0, k)
	if err == nil && next < len(a.Groups) {
		err = fmt.Errorf("encode advert to %q: %w: %d of %d groups fit in %d bytes", a.To, ErrTooLarge, next, len(a.Groups), MaxSize)
	}
	if err != nil {
		return dst, err
	}
	return b, nil
}

// AppendPart appends a datagram with all of a but its groups, of which it has those
// from a.Groups[from] on, as many as fit, at least one where there is any. It returns
// the extended slice, signed with the first key of k, and the index of the first group
// that is left for the next part. With twice MaxSize bytes of spare capacity in dst it
// does not allocate.
//
// Times go out in milliseconds: ages and the interval rounded up, uptime and
// remaining rounded down, negative ones as zero, ages and remaining at most 24
// hours. What has no meaning is left out: a request without kind, a handover
// without successor, a probe that nobody answered.
//
// It fails, with dst unchanged, if a value is out of range (the message says
// which) and with ErrTooLarge if the datagram would exceed MaxSize with a single group.
func AppendPart(dst []byte, a *election.Advert, from int, k *Keyring) (b []byte, next int, err error) {
	e := encoder{b: dst}
	e.begin(KindAdvert, k, a.Cluster, a.From, a.To)
	body := len(e.b)
	if a.From == a.To {
		e.fail(fmt.Errorf("sender and receiver are both %q", a.From))
	}
	e.node(a.From)
	e.node(a.To)
	e.address(a.FromAddress)
	e.session(a.Session)
	e.sequence(a.Sequence)
	e.uvarint(uint64(max(a.Uptime, 0) / time.Millisecond))
	e.interval(a.Interval)
	e.total(a)
	e.mark(itemEcho, a.Echo)
	e.mark(itemHello, a.Hello)
	e.targets(a.Targets)
	next = e.groups(a.Groups, from)
	e.nodeTable(body)
	out, err := e.finish(dst, k, MaxSize)
	if err != nil {
		return dst, from, fmt.Errorf("encode advert to %q: %w", a.To, err)
	}
	return out, next, nil
}

// nodeTable writes the node names that this part refers to, after the sender (1) and
// the receiver (2), whose names stand in the envelope already. They stand in front of
// what refers to them, at start, and only now is known which they are.
func (e *encoder) nodeTable(start int) {
	others := e.names[min(2, e.count):e.count]
	end := len(e.b)
	e.byte(byte(len(others)))
	for _, name := range others {
		e.text("node", name, nameMax)
	}
	var room [tableMax]byte
	table := append(room[:0], e.b[end:]...)
	copy(e.b[start+len(table):], e.b[start:end])
	copy(e.b[start:], table)
}

// tableSize is the size of what nodeTable writes.
func (e *encoder) tableSize() int {
	size := 1
	for _, name := range e.names[min(2, e.count):e.count] {
		size += 1 + len(name)
	}
	return size
}

// total writes how many groups the sender has, in all its parts together.
func (e *encoder) total(a *election.Advert) {
	if len(a.Groups) > int(a.Total) {
		e.fail(fmt.Errorf("%d groups in all are fewer than the %d named", a.Total, len(a.Groups)))
	}
	e.byte(a.Total)
}

// ownerNode returns the node of an owner, and nothing for the kinds that have
// none whatever the field says.
func ownerNode(o election.Owner) string {
	if o.Kind != election.OwnerNode {
		return ""
	}
	return o.Node
}

func (e *encoder) interval(d time.Duration) {
	if d < intervalMin || d > intervalMax {
		e.fail(fmt.Errorf("interval %v is not within %v and %v", d, intervalMin, intervalMax))
		return
	}
	e.uvarint(ceilMillis(d))
}

func (e *encoder) mark(item byte, m election.Mark) {
	if m == (election.Mark{}) {
		return
	}
	start := len(e.b)
	e.session(m.Session)
	e.sequence(m.Sequence)
	e.item(item, start)
}

func (e *encoder) targets(ts []election.NodeTarget) {
	if len(ts) == 0 {
		return
	}
	start := len(e.b)
	for i, t := range ts {
		for _, u := range ts[:i] {
			if u.Provider == t.Provider {
				e.fail(fmt.Errorf("two targets of provider %q", t.Provider))
			}
		}
		e.text("provider", t.Provider, nameMax)
		e.text("target", t.Target, targetMax)
	}
	e.item(itemTargets, start)
}

// groups writes the records from gs[from] on, as many as fit beside the table of names
// and the tag, and returns the index behind the last. Of those that follow it checks
// nothing.
func (e *encoder) groups(gs []election.GroupAdvert, from int) int {
	if from >= len(gs) {
		return len(gs)
	}
	var seen vridSet
	for i := range from {
		seen.add(gs[i].VRID)
	}
	start, next := len(e.b), from
	for ; next < len(gs); next++ {
		before, names := len(e.b), e.count
		if !seen.add(gs[next].VRID) {
			e.fail(fmt.Errorf("VRID %d is zero or named twice", gs[next].VRID))
		}
		e.group(&gs[next])
		size := start - e.start + itemSize(len(e.b)-start) + e.tableSize() + tagSize
		if size > MaxSize && next > from && e.err == nil {
			e.b, e.count = e.b[:before], names
			break
		}
	}
	e.item(itemGroups, start)
	return next
}

// group writes one record: its length, the fields that every group has, and
// items for what is rarely there.
func (e *encoder) group(g *election.GroupAdvert) {
	start := len(e.b)
	e.role(g.Role)
	if g.Priority > election.PriorityMax {
		e.fail(fmt.Errorf("priority %d of VRID %d is above %d", g.Priority, g.VRID, election.PriorityMax))
	}
	e.byte(g.VRID)
	e.b = append(e.b, byte(g.Digest>>24), byte(g.Digest>>16), byte(g.Digest>>8), byte(g.Digest))
	e.byte(byte(g.Role))
	e.byte(g.Priority)
	e.uvarint(uint64(g.Flags))
	e.byte(byte(g.Reason))
	e.number("term", g.Term.Number, termMax)
	e.byte(e.node(g.Term.Node))
	e.owner(g.Owner.Owner)
	e.age(g.Owner.Age)
	e.request(g.Request)
	e.handover(g.Handover)
	e.unbound(g.Owner.UnboundAge)
	e.probe(g.Probe)
	e.relays(g.Relay)
	e.prefix(start)
}

// owner writes the kind in the low two bits and the node's index above them.
func (e *encoder) owner(o election.Owner) {
	if o.Kind > election.OwnerForeign {
		e.fail(fmt.Errorf("owner kind %d is unknown", o.Kind))
	}
	if o.Kind == election.OwnerNode && o.Node == "" {
		e.fail(errors.New("owner is a node without name"))
	}
	e.byte(byte(o.Kind) | e.node(ownerNode(o))<<2)
}

func (e *encoder) request(r election.Request) {
	if r.Kind == election.RequestNone {
		return
	}
	if r.Kind > election.RequestPreempt {
		e.fail(fmt.Errorf("request kind %d is unknown", r.Kind))
	}
	start := len(e.b)
	e.byte(byte(r.Kind))
	e.uvarint(r.ID)
	e.item(itemRequest, start)
}

func (e *encoder) handover(h election.Handover) {
	if h.To == "" {
		return
	}
	start := len(e.b)
	e.byte(e.node(h.To))
	e.uvarint(h.ID)
	e.uvarint(uint64(min(max(h.Remaining, 0), ageMax) / time.Millisecond))
	e.item(itemHandover, start)
}

// unbound leaves zero out: the address is not unbound. Rounding up keeps a read
// of this very moment apart from that.
func (e *encoder) unbound(d time.Duration) {
	if d <= 0 {
		return
	}
	start := len(e.b)
	e.age(d)
	e.item(itemUnbound, start)
}

func (e *encoder) probe(p election.ProbeReport) {
	if p.AnsweredBy == "" {
		return
	}
	start := len(e.b)
	e.byte(e.node(p.AnsweredBy))
	e.age(p.Age)
	e.item(itemProbe, start)
}

func (e *encoder) relays(rs []election.Relay) {
	if len(rs) == 0 {
		return
	}
	var seen uint64
	start := len(e.b)
	for i := range rs {
		r := &rs[i]
		index := e.node(r.Node)
		if index == 0 || seen&(1<<index) != 0 {
			e.fail(fmt.Errorf("relay of node %q has no name or is there twice", r.Node))
		}
		seen |= 1 << index
		e.byte(index)
		e.byte(stateByte(r.Role, r.Healthy))
		e.role(r.Role)
		e.age(r.Age)
	}
	e.item(itemRelays, start)
}

// stateByte packs a role and a health: bit 0 is set for healthy.
func stateByte(r election.Role, healthy bool) byte {
	b := byte(r) << 1
	if healthy {
		b |= 1
	}
	return b
}

// vridSet remembers which VRIDs were seen.
type vridSet [4]uint64

// add reports whether v is a VRID that was not there before.
func (s *vridSet) add(v uint8) bool {
	word, bit := v/64, uint64(1)<<(v%64)
	if v == 0 || s[word]&bit != 0 {
		return false
	}
	s[word] |= bit
	return true
}
