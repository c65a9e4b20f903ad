// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"math"
	"slices"

	"github.com/fipctl/fipctl/pkg/election"
)

// advertReader reads the body of an advert into a, reusing its slices and those
// of its strings that did not change.
type advertReader struct {
	reader
	a     *election.Advert
	known []string // names that need no new string
	names [namesMax + 1]string
	count int // names[1:count+1] are set; names[0] stands for no node
}

// readAdvert reports whether body is well formed; a is only then complete. The
// cluster, sender and receiver were taken from the envelope already.
func (r *Receiver) readAdvert(body []byte, env *envelope, a *election.Advert) bool {
	d := advertReader{reader: reader{b: body}, a: a, known: r.Peers}
	a.Cluster, a.From, a.To = r.Cluster, env.sender, r.Node
	a.Echo, a.Hello = election.Mark{}, election.Mark{}
	targets, groups := a.Targets, a.Groups
	a.Targets, a.Groups = targets[:0], groups[:0]

	d.nodeTable()
	a.FromAddress = d.address()
	a.Session = d.session()
	a.Sequence = d.sequence()
	a.Uptime = d.millis(uptimeMax)
	a.Interval = d.millis(intervalMax.Milliseconds())
	d.require(a.Interval >= intervalMin)
	a.Total = d.byte()
	for last := uint64(0); len(d.b) > 0; {
		kind, v := d.item(&last)
		switch kind {
		case itemEcho:
			a.Echo = election.Mark{Session: v.session(), Sequence: v.sequence()}
		case itemHello:
			a.Hello = election.Mark{Session: v.session(), Sequence: v.sequence()}
		case itemTargets:
			d.targets(&v)
		case itemGroups:
			d.groups(&v)
		default:
			continue
		}
		d.require(v.done())
	}
	d.require(len(a.Groups) <= int(a.Total))
	return d.done()
}

// nodeTable reads the names after those of the envelope. A name that stands
// there twice would give one node two indices.
func (d *advertReader) nodeTable() {
	d.names[1], d.names[2], d.count = d.a.From, d.a.To, 2
	others := int(d.byte())
	d.require(others <= namesMax-2)
	for range others {
		raw := d.text(nameMax)
		if d.bad {
			return
		}
		name := d.intern(raw)
		d.require(!slices.Contains(d.names[1:d.count+1], name))
		d.count++
		d.names[d.count] = name
	}
}

// intern returns raw as a string without allocating if it is a configured node.
func (d *advertReader) intern(raw []byte) string {
	for _, name := range d.known {
		if name == string(raw) {
			return name
		}
	}
	return string(raw)
}

// node returns the name at an index; index 0 is no node.
func (d *advertReader) node(v *reader, index byte) string {
	if int(index) > d.count {
		v.fail()
		return ""
	}
	return d.names[index]
}

// someNode is node for places where there must be one.
func (d *advertReader) someNode(v *reader) string {
	index := v.byte()
	v.require(index != 0)
	return d.node(v, index)
}

func (d *advertReader) targets(v *reader) {
	ts := d.a.Targets
	v.require(len(v.b) > 0)
	for len(v.b) > 0 {
		provider, target := v.text(nameMax), v.text(targetMax)
		if v.bad {
			return
		}
		for i := range ts {
			v.require(ts[i].Provider != string(provider))
		}
		ts = extend(ts)
		t := &ts[len(ts)-1]
		keep(&t.Provider, provider)
		keep(&t.Target, target)
	}
	d.a.Targets = ts
}

// keep sets s to raw, allocating only if they differ.
func keep(s *string, raw []byte) {
	if *s != string(raw) {
		*s = string(raw)
	}
}

// extend makes s one longer. An element that a former use left there keeps its
// content, for its memory.
func extend[T any](s []T) []T {
	if len(s) < cap(s) {
		return s[:len(s)+1]
	}
	var zero T
	return append(s, zero)
}

func (d *advertReader) groups(v *reader) {
	var seen vridSet
	gs := d.a.Groups
	v.require(len(v.b) > 0)
	for len(v.b) > 0 {
		record := v.prefixed()
		gs = extend(gs)
		g := &gs[len(gs)-1]
		*g = election.GroupAdvert{Relay: g.Relay[:0]}
		d.group(&record, g)
		v.require(record.done() && seen.add(g.VRID))
	}
	d.a.Groups = gs
}

// group reads one record: the fields every group has, then its items.
func (d *advertReader) group(v *reader, g *election.GroupAdvert) {
	g.VRID = v.byte()
	g.Digest = v.uint32()
	g.Role = v.role()
	g.Priority = v.byte()
	v.require(g.Priority <= election.PriorityMax)
	g.Flags = election.Flags(v.uvarint(math.MaxUint16))
	g.Reason = election.Reason(v.byte())
	g.Term.Number = v.uvarint(termMax)
	g.Term.Node = d.node(v, v.byte())
	g.Owner.Owner = d.owner(v)
	g.Owner.Age = v.age()
	d.groupItems(v, g)
}

func (d *advertReader) groupItems(r *reader, g *election.GroupAdvert) {
	for last := uint64(0); len(r.b) > 0; {
		kind, v := r.item(&last)
		switch kind {
		case itemRequest:
			g.Request = election.Request{Kind: requestKind(&v), ID: v.uvarint(math.MaxUint64)}
		case itemHandover:
			g.Handover = election.Handover{To: d.someNode(&v), ID: v.uvarint(math.MaxUint64), Remaining: v.age()}
		case itemUnbound:
			g.Owner.UnboundAge = v.age()
			v.require(g.Owner.UnboundAge > 0)
		case itemProbe:
			g.Probe = election.ProbeReport{AnsweredBy: d.someNode(&v), Age: v.age()}
		case itemRelays:
			g.Relay = d.relays(&v, g.Relay)
		default:
			continue
		}
		r.require(v.done())
	}
}

func (d *advertReader) owner(v *reader) election.Owner {
	b := v.byte()
	o := election.Owner{Kind: election.OwnerKind(b & 3), Node: d.node(v, b>>2)}
	v.require((o.Kind == election.OwnerNode) == (o.Node != ""))
	return o
}

func requestKind(v *reader) election.RequestKind {
	kind := election.RequestKind(v.byte())
	v.require(kind == election.RequestTake || kind == election.RequestPreempt)
	return kind
}

func (d *advertReader) relays(v *reader, rs []election.Relay) []election.Relay {
	v.require(len(v.b) > 0)
	for len(v.b) > 0 {
		node := d.someNode(v)
		for i := range rs {
			v.require(rs[i].Node != node)
		}
		role, healthy := v.state()
		rs = append(rs, election.Relay{Node: node, Role: role, Healthy: healthy, Age: v.age()})
	}
	return rs
}
