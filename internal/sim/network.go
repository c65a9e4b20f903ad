// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// link is one direction between two nodes.
type link struct {
	cut       int // how many faults cut it
	loss      float64
	duplicate float64
	reorder   float64
	tail      float64 // how often a datagram takes up to tailMax
	part      int     // the VRID of a group whose part is always lost; 0: none
	badKey    bool    // what arrives does not verify
	kept      [8]*packet
	keptNext  int
}

const (
	linkDelayMin = 200 * time.Microsecond
	linkDelayMax = 2 * time.Millisecond
	tailMax      = 8 * time.Second
	replayMax    = 30 * time.Second
)

// packet is one datagram, a part of an advert. That is a copy that belongs to it; packets are used
// again when nobody holds them any more.
type packet struct {
	advert   election.Advert
	from, to int
	sent     election.Instant
	fromLife int
	holders  int
	badKey   bool
	counted  bool // some copy of it was accepted
}

func (w *world) newPacket() *packet {
	if n := len(w.spare); n > 0 {
		p := w.spare[n-1]
		w.spare = w.spare[:n-1]
		return p
	}
	return &packet{}
}

func (w *world) drop(p *packet) {
	if p.holders--; p.holders == 0 {
		w.spare = append(w.spare, p)
	}
}

// fill copies an advert of a machine, which uses it again, with these of its groups.
func (p *packet) fill(a *election.Advert, records []election.GroupAdvert) {
	groups, targets := p.advert.Groups, p.advert.Targets
	p.advert = *a
	p.advert.Targets = append(targets[:0], a.Targets...)
	if cap(groups) < len(records) {
		groups = make([]election.GroupAdvert, len(records))
	}
	groups = groups[:len(records)]
	for i := range records {
		relay := groups[i].Relay
		groups[i] = records[i]
		groups[i].Relay = append(relay[:0], records[i].Relay...)
	}
	p.advert.Groups = groups
}

// send puts an advert on its way, in as many parts as the history draws: what fits in one
// datagram is no matter of bytes here.
func (w *world) send(from *node, to int, a *election.Advert) {
	if w.nodes[to].dead {
		return
	}
	for records := range slices.Chunk(a.Groups, cmp.Or(w.opts.records, len(a.Groups))) {
		w.sendPart(from, to, a, records)
	}
}

func (w *world) sendPart(from *node, to int, a *election.Advert, records []election.GroupAdvert) {
	l := &w.links[from.id][to]
	p := w.newPacket()
	p.fill(a, records)
	p.from, p.to, p.sent, p.fromLife, p.holders, p.counted = from.id, to, w.now, from.life, 1, false
	p.badKey = l.badKey || from.wrongKey != w.nodes[to].wrongKey
	w.keep(l, p)
	named := func(g election.GroupAdvert) bool { return int(g.VRID) == l.part }
	if l.cut > 0 || l.loss > 0 && w.chance.one(l.loss) || slices.ContainsFunc(records, named) {
		w.drop(p)
		return
	}
	copies := 1
	if l.duplicate > 0 && w.chance.one(l.duplicate) {
		copies++
	}
	for range copies {
		delay := w.chance.between(linkDelayMin, linkDelayMax)
		switch {
		case l.tail > 0 && w.chance.one(l.tail):
			delay = w.chance.between(linkDelayMax, tailMax)
		case l.reorder > 0 && w.chance.one(l.reorder):
			delay += w.chance.between(0, 2*w.opts.interval)
		}
		p.holders++
		w.queue.push(happening{at: w.now.Add(delay), packet: p})
	}
	w.drop(p)
}

// keep remembers a few datagrams of a link, for replays.
func (w *world) keep(l *link, p *packet) {
	if !w.replays {
		return
	}
	w.listen(p)
	if old := l.kept[l.keptNext]; old != nil {
		w.drop(old)
	}
	p.holders++
	l.kept[l.keptNext] = p
	l.keptNext = (l.keptNext + 1) % len(l.kept)
}

// replay sends what a link carried once more.
func (w *world) replay(l *link) {
	if len(w.attacker.tape) > 0 {
		w.flood(attackerFor)
	}
	for _, p := range l.kept {
		if p != nil {
			p.holders++
			w.queue.push(happening{at: w.now.Add(w.chance.between(0, replayMax)), packet: p})
		}
	}
}

// arrive brings a datagram to its receiver.
func (w *world) arrive(p *packet) {
	to := w.nodes[p.to]
	switch {
	case to.machine == nil || w.links[p.from][p.to].cut > 0:
		w.drop(p)
	case to.paused:
		if len(to.waiting) >= socketBuffer {
			w.drop(p)
			return
		}
		to.waiting = append(to.waiting, p)
	default:
		w.receive(to, p)
		w.drop(p)
	}
}

// socketBuffer is how many datagrams wait for a node that does not run.
const socketBuffer = 256

// receive gives a node one datagram.
func (w *world) receive(n *node, p *packet) {
	if p.badKey && !w.trusting {
		w.step(n, election.Tick{}) // what time alone changes is not the datagram's doing
		w.step(n, election.BadlySigned{Peer: w.nodes[p.from].name})
		w.turn(n)
		return
	}
	again := p.counted
	if again {
		w.step(n, election.Tick{}) // what time alone changes is not the datagram's doing
	}
	n.received.Advert = &p.advert
	w.stepDatagram(n, p, again)
}
