// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

// roster is which groups a peer has, as its adverts tell: it says how many there are, and
// when as many different ones were heard, those are all. Parts may be lost and come in any
// order meanwhile. A group that is not among them is unknown there, which is something
// else than a peer that is not heard: its file lacks the group, and it says so with every
// advert.
//
// Another total, or one group more than there are, shows that the file has changed; then
// the roster begins anew with that advert, and what left before it says nothing.
//
// While it is incomplete the one before still says what the file lacked, for an active-down:
// the next part may be under way.
type roster struct {
	since  uint64  // sequence of the advert with which it began
	began  Instant // when that came
	total  uint8
	seen   vridSet
	before vridSet // the last one that was complete
}

// vridSet is a set of VRIDs. The zero value is empty.
type vridSet struct {
	bits  [4]uint64
	count int
}

func (s *vridSet) has(vrid uint8) bool { return s.bits[vrid/64]&(1<<(vrid%64)) != 0 }

func (s *vridSet) add(groups []GroupAdvert) {
	for i := range groups {
		if v := groups[i].VRID; !s.has(v) {
			s.bits[v/64] |= 1 << (v % 64)
			s.count++
		}
	}
}

// arrival is which records of the newest advert of a peer have come, in whatever parts.
type arrival struct {
	sequence uint64
	total    uint8
	came     vridSet
}

func (v *arrival) note(a *Advert) {
	if a.Sequence > v.sequence {
		*v = arrival{sequence: a.Sequence, total: a.Total}
	}
	if a.Sequence == v.sequence {
		v.came.add(a.Groups)
	}
}

// whole reports whether nothing of that advert is under way any more.
func (v *arrival) whole() bool { return v.came.count >= int(v.total) }

// begin starts the roster of a session anew.
func (r *roster) begin(a *Advert, now Instant) {
	before := r.before
	if r.complete() {
		before = r.seen
	}
	*r = roster{since: a.Sequence, began: now, total: a.Total, before: before}
}

// note takes in a part of an accepted session.
func (r *roster) note(a *Advert, now Instant) {
	if a.Sequence < r.since {
		return
	}
	if a.Total != r.total {
		r.begin(a, now)
	}
	r.seen.add(a.Groups)
	if r.seen.count > int(r.total) && a.Sequence > r.since {
		r.begin(a, now)
		r.note(a, now)
	}
}

// complete reports whether all groups are known.
func (r *roster) complete() bool { return r.since != 0 && r.seen.count == int(r.total) }

// lacks reports whether all groups are known and this is none of them.
func (r *roster) lacks(vrid uint8) bool { return r.complete() && !r.seen.has(vrid) }

// lacked reports whether that was so before this roster began, and it does not have the group
// as far as it is known.
func (r *roster) lacked(vrid uint8) bool {
	return !r.complete() && r.before.count > 0 && !r.before.has(vrid) && !r.seen.has(vrid)
}

// unknownThere reports whether a peer that is heard, and hears this node, has no such group,
// or says so through the address.
func (m *Machine) unknownThere(g *group, i int) bool {
	p := m.peers[i]
	down := m.activeDown(g, p)
	return m.heardWithout(g, i) && m.within(p.twoWayAt, down) || g.probe.unknown && m.within(g.probe.answeredBy(i), down) && !m.outlived(g, i)
}

// heardWithout reports whether a peer that is heard, be it one way, has no such group. What
// it does not say of the group is no silence.
func (m *Machine) heardWithout(g *group, i int) bool {
	p := m.peers[i]
	return m.without(g, i) && !p.left && m.within(p.heardAt, m.activeDown(g, p)) && !m.lacks(guardUnknownThere)
}

// without reports whether the file of a peer lacks the group, as far as it is known.
func (m *Machine) without(g *group, i int) bool {
	p := m.peers[i]
	return p.roster.lacks(g.cfg.VRID) || p.roster.lacked(g.cfg.VRID) && m.within(p.roster.began, m.activeDown(g, p))
}

// saidGoodbye reports whether a peer has said that it stops, and has not answered through
// the address since. A peer that does not know the group has said it in those that it has.
func (m *Machine) saidGoodbye(g *group, i int) bool {
	pg, p := &g.peers[i], m.peers[i]
	answered := g.probe.answeredBy(i)
	return pg.goodbye && answered <= pg.at || p.left && p.roster.lacks(g.cfg.VRID) && answered <= p.heardAt && p.heardAt > pg.takenAt
}
