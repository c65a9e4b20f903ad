// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// rawAdvert is the body of an advert in pieces, so that a test can spoil one.
type rawAdvert struct{ table, address, session, sequence, uptime, interval, total, items []byte }

// rawGroup is a group record in pieces.
type rawGroup struct {
	vrid, digest, role, priority, flags, reason, term, termNode, owner, age, items []byte
}

func plainAdvert() rawAdvert {
	return rawAdvert{
		table: []byte{1, 4, 'l', 'b', '-', 'c'}, address: []byte{4, 10, 0, 4, 20},
		session: []byte{0, 0, 0, 0, 0, 0, 0, 1}, sequence: []byte{1}, uptime: []byte{0}, interval: []byte{0xe8, 7},
		total: []byte{255},
	}
}

func plainGroup() rawGroup {
	return rawGroup{
		vrid: []byte{51}, digest: []byte{0, 0, 0, 1}, role: []byte{1}, priority: []byte{100}, flags: []byte{3},
		reason: []byte{1}, term: []byte{4}, termNode: []byte{3}, owner: []byte{1 | 3<<2}, age: []byte{0},
	}
}

func (r rawAdvert) body() []byte {
	return slices.Concat(r.table, r.address, r.session, r.sequence, r.uptime, r.interval, r.total, r.items)
}

func (g rawGroup) record() []byte {
	b := slices.Concat(g.vrid, g.digest, g.role, g.priority, g.flags, g.reason, g.term, g.termNode, g.owner, g.age, g.items)
	return append([]byte{byte(len(b))}, b...)
}

// item is an item of a type below 15.
func item(kind byte, value ...byte) []byte {
	if len(value) < headExtended {
		return append([]byte{kind<<4 | byte(len(value))}, value...)
	}
	return append(binary.AppendUvarint([]byte{kind<<4 | headExtended}, uint64(len(value))), value...)
}

func mark(session, sequence byte) []byte { return []byte{0, 0, 0, 0, 0, 0, 0, session, sequence} }

func TestASpoiledAdvertIsMalformed(t *testing.T) {
	t.Parallel()
	tooMany := []byte{namesMax - 1}
	for i := range namesMax - 1 {
		tooMany = append(tooMany, 1, 'A'+byte(i))
	}
	dayAndMore := binary.AppendUvarint(nil, uint64(ageMax.Milliseconds()+1))
	cases := map[string]func(*rawAdvert){
		"node name empty":              func(r *rawAdvert) { r.table = []byte{1, 0} },
		"node name with a space":       func(r *rawAdvert) { r.table[3] = ' ' },
		"node name not ASCII":          func(r *rawAdvert) { r.table[3] = 0x80 },
		"node name too long":           func(r *rawAdvert) { r.table = append([]byte{1, 64}, bytes.Repeat([]byte{'a'}, 64)...) },
		"node name of the sender":      func(r *rawAdvert) { r.table[5] = 'a' },
		"node name twice":              func(r *rawAdvert) { r.table = append([]byte{2}, append(r.table[1:], r.table[1:]...)...) },
		"more node names than allowed": func(r *rawAdvert) { r.table = tooMany },
		"address of no family":         func(r *rawAdvert) { r.address = []byte{0} },
		"address of five bytes":        func(r *rawAdvert) { r.address = []byte{5, 1, 2, 3, 4, 5} },
		"IPv4 address as IPv6":         func(r *rawAdvert) { r.address = []byte{16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 4, 20} },
		"session zero":                 func(r *rawAdvert) { r.session[7] = 0 },
		"sequence zero":                func(r *rawAdvert) { r.sequence = []byte{0} },
		"sequence near its end":        func(r *rawAdvert) { r.sequence = binary.AppendUvarint(nil, numberMax+1) },
		"number in a longer form":      func(r *rawAdvert) { r.sequence = []byte{0x81, 0} },
		"number without end":           func(r *rawAdvert) { r.sequence = bytes.Repeat([]byte{0xff}, 11) },
		"uptime beyond time":           func(r *rawAdvert) { r.uptime = binary.AppendUvarint(nil, uint64(uptimeMax)+1) },
		"interval too short":           func(r *rawAdvert) { r.interval = []byte{49} },
		"interval too long":            func(r *rawAdvert) { r.interval = binary.AppendUvarint(nil, 40_001) },
		"item of type 0":               func(r *rawAdvert) { r.items = []byte{0} },
		"items not in order":           func(r *rawAdvert) { r.items = append(item(2, mark(1, 1)...), item(1, mark(1, 1)...)...) },
		"item twice":                   func(r *rawAdvert) { r.items = append(item(1, mark(1, 1)...), item(1, mark(1, 1)...)...) },
		"unknown item twice":           func(r *rawAdvert) { r.items = append(item(9), item(9)...) },
		"item longer than the rest":    func(r *rawAdvert) { r.items = []byte{9<<4 | 2, 0} },
		"item length in a longer form": func(r *rawAdvert) { r.items = []byte{9<<4 | 15, 1, 0} },
		"item type in a longer form":   func(r *rawAdvert) { r.items = []byte{15 << 4, 9} },
		"echo of no session":           func(r *rawAdvert) { r.items = item(1, mark(0, 1)...) },
		"echo of no sequence":          func(r *rawAdvert) { r.items = item(1, mark(1, 0)...) },
		"hello of no session":          func(r *rawAdvert) { r.items = item(2, mark(0, 1)...) },
		"echo with more behind it":     func(r *rawAdvert) { r.items = item(1, append(mark(1, 1), 0)...) },
		"targets without one":          func(r *rawAdvert) { r.items = item(3) },
		"two targets of a provider":    func(r *rawAdvert) { r.items = item(3, 1, 'p', 1, 't', 1, 'p', 1, 'u') },
		"target empty":                 func(r *rawAdvert) { r.items = item(3, 1, 'p', 0) },
		"target too long":              func(r *rawAdvert) { r.items = item(3, append([]byte{1, 'p', 97}, bytes.Repeat([]byte{'t'}, 97)...)...) },
		"groups without one":           func(r *rawAdvert) { r.items = item(4) },
		"more groups than in all":      func(r *rawAdvert) { r.total[0] = 0; r.items = item(4, plainGroup().record()...) },
		"group record of no bytes":     func(r *rawAdvert) { r.items = item(4, 0) },
		"group twice":                  func(r *rawAdvert) { r.items = item(4, append(plainGroup().record(), plainGroup().record()...)...) },
		"group age beyond a day":       func(r *rawAdvert) { g := plainGroup(); g.age = dayAndMore; r.items = item(4, g.record()...) },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := plainAdvert()
			spoil(&r)
			expect(t, receiver(t), signed(t, KindAdvert, r.body()), election.ReasonMalformed)
		})
	}
	expect(t, receiver(t), signed(t, KindAdvert, plainAdvert().body()), election.ReasonNone)
}

func TestASpoiledGroupIsMalformed(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*rawGroup){
		"VRID zero":                   func(g *rawGroup) { g.vrid[0] = 0 },
		"role unknown":                func(g *rawGroup) { g.role[0] = 5 },
		"priority 255":                func(g *rawGroup) { g.priority[0] = 255 },
		"flags of 17 bits":            func(g *rawGroup) { g.flags = binary.AppendUvarint(nil, 1<<16) },
		"term above half the range":   func(g *rawGroup) { g.term = binary.AppendUvarint(nil, termMax+1) },
		"term of no known node":       func(g *rawGroup) { g.termNode[0] = 4 },
		"owner node without name":     func(g *rawGroup) { g.owner[0] = 1 },
		"owner none with a name":      func(g *rawGroup) { g.owner[0] = 2 | 1<<2 },
		"owner of no known node":      func(g *rawGroup) { g.owner[0] = 1 | 4<<2 },
		"field missing":               func(g *rawGroup) { g.age = nil },
		"request of kind 0":           func(g *rawGroup) { g.items = item(1, 0, 1) },
		"request of kind 3":           func(g *rawGroup) { g.items = item(1, 3, 1) },
		"request without id":          func(g *rawGroup) { g.items = item(1, 1) },
		"handover to nobody":          func(g *rawGroup) { g.items = item(2, 0, 1, 0) },
		"handover to no known node":   func(g *rawGroup) { g.items = item(2, 4, 1, 0) },
		"handover without remaining":  func(g *rawGroup) { g.items = item(2, 1, 1) },
		"unbound for no time":         func(g *rawGroup) { g.items = item(3, 0) },
		"probe answered by nobody":    func(g *rawGroup) { g.items = item(4, 0, 1) },
		"relays without one":          func(g *rawGroup) { g.items = item(5) },
		"relay of nobody":             func(g *rawGroup) { g.items = item(5, 0, 2, 0) },
		"relay of no known node":      func(g *rawGroup) { g.items = item(5, 4, 2, 0) },
		"relay with an unknown role":  func(g *rawGroup) { g.items = item(5, 3, 10, 0) },
		"two relays of a node":        func(g *rawGroup) { g.items = item(5, 3, 2, 0, 3, 2, 0) },
		"items not in order":          func(g *rawGroup) { g.items = append(item(3, 1), item(1, 1, 1)...) },
		"known item with more behind": func(g *rawGroup) { g.items = item(3, 1, 1) },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := plainGroup()
			spoil(&g)
			r := plainAdvert()
			r.items = item(itemGroups, g.record()...)
			expect(t, receiver(t), signed(t, KindAdvert, r.body()), election.ReasonMalformed)
		})
	}
}

func TestARecordBuiltByHandIsReadAsMeant(t *testing.T) {
	t.Parallel()
	r := plainAdvert()
	r.items = item(itemGroups, plainGroup().record()...)
	m := expect(t, receiver(t), signed(t, KindAdvert, r.body()), election.ReasonNone)
	want := []election.GroupAdvert{{
		VRID: 51, Digest: 1, Role: election.Backup, Priority: 100, Flags: election.FlagHealthy | election.FlagCanClaim,
		Reason: election.ReasonStarted, Term: election.Term{Number: 4, Node: "lb-c"},
		Owner: election.OwnerReport{Owner: election.Owner{Kind: election.OwnerNode, Node: "lb-c"}},
	}}
	if d := diff(want, m.Advert.Groups); d != "" || m.Advert.Interval != time.Second {
		t.Errorf("interval %v, wanted (-) and read (+) differ:\n%s", m.Advert.Interval, d)
	}
}

// What a later version may add must not make this one deaf: a node that drops
// its peers' adverts during an upgrade would take over.
func TestWhatALaterVersionAddsIsSkipped(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte{0xee}, 200)
	group := func(items ...[]byte) []byte {
		g := plainGroup()
		g.items = slices.Concat(items...)
		return item(itemGroups, g.record()...)
	}
	extended := []byte{15<<4 | 1, 0x80, 1, 0xee} // type 128, one byte
	cases := map[string][]byte{
		"an item behind the header's":   slices.Concat(group(), item(9, 1, 2, 3)),
		"a long item of the header":     slices.Concat(group(), item(9, long...)),
		"an item of an extended type":   slices.Concat(group(), extended),
		"an item of a group":            group(item(3, 1), item(6, 9, 9)),
		"an empty item of a group":      group(item(6)),
		"a group's item, extended type": group(extended),
		"flags of a later version": func() []byte {
			g := plainGroup()
			g.flags = []byte{0x83, 0x80, 2}
			return item(itemGroups, g.record()...)
		}(),
		"a reason of a later version": func() []byte { g := plainGroup(); g.reason[0] = 250; return item(itemGroups, g.record()...) }(),
	}
	for name, items := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := plainAdvert()
			r.items = items
			m := expect(t, receiver(t), signed(t, KindAdvert, r.body()), election.ReasonNone)
			if len(m.Advert.Groups) != 1 || m.Advert.Groups[0].VRID != 51 {
				t.Errorf("groups %+v", m.Advert.Groups)
			}
		})
	}
	start := make([]byte, sessionSize+1+nonceSize)
	start[7], start[8] = 1, 1
	expect(t, receiver(t), signed(t, KindProbeRequest, append(start, item(3, 1)...)), election.ReasonNone)
	expect(t, receiver(t), signed(t, KindProbeReply, append(start[:sessionSize+nonceSize:sessionSize+nonceSize], item(3, 1)...)), election.ReasonNone)
}

func TestUnknownFlagsAndReasonsAreKeptAsNumbers(t *testing.T) {
	t.Parallel()
	a := minimalAdvert()
	a.Total, a.Groups = 1, []election.GroupAdvert{{VRID: 1, Flags: 0xfe00, Reason: 255}}
	m := expect(t, receiver(t), encode(t, a), election.ReasonNone)
	if g := m.Advert.Groups[0]; g.Flags != 0xfe00 || g.Reason != 255 {
		t.Errorf("flags %x, reason %d", g.Flags, g.Reason)
	}
}
