// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"maps"
	"net/netip"
	"sync"
)

// links are what an experimenter changes and reads: which links are cut, and what
// became of the frames. Its methods are safe for concurrent use.
type links struct {
	mu       sync.Mutex
	cuts     map[[2]Station]bool
	isolated map[Station]bool
	refused  map[Datagrams]bool
	counts   map[Station]Counts
}

// Datagrams are those of UDP that a station sends to an address and port, a floating
// or public one included.
type Datagrams struct {
	From   Station
	Source netip.Addr // of the station's addresses the one they come from; zero: whichever
	To     netip.AddrPort
}

// Counts are what became of the frames that a station sent.
type Counts struct {
	Delivered int // frames, and questions by ARP that were answered
	Heeded    int // announcements that the cloud heeds
	Dropped   map[Reason]int
}

func newLinks() *links {
	return &links{
		cuts: map[[2]Station]bool{}, isolated: map[Station]bool{}, refused: map[Datagrams]bool{}, counts: map[Station]Counts{},
	}
}

func (l *links) setCut(from, to Station, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts[[2]Station{from, to}] = cut
}

func (l *links) isolate(s Station, isolated bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isolated[s] = isolated
}

// off reports whether a station is isolated.
func (l *links) off(s Station) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isolated[s]
}

// cut reports whether nothing passes from one station to another.
func (l *links) cut(from, to Station) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isolated[from] || l.isolated[to] || l.cuts[[2]Station{from, to}]
}

func (l *links) setRefused(d Datagrams, refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[d] = refused
}

// refuses reports whether a firewall is in the way of a packet.
func (l *links) refuses(from Station, p packet) bool {
	port, ok := p.udpPort()
	l.mu.Lock()
	defer l.mu.Unlock()
	d := Datagrams{From: from, To: netip.AddrPortFrom(p.dst(), port)}
	one := d
	one.Source = p.src()
	return ok && (l.refused[d] || l.refused[one])
}

// count records what became of a frame.
func (l *links) count(from Station, v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[from]
	switch {
	case v.dropped != "":
		if c.Dropped == nil {
			c.Dropped = map[Reason]int{}
		}
		c.Dropped[v.dropped]++
	case v.heeded:
		c.Heeded++
	default:
		c.Delivered++
	}
	l.counts[from] = c
}

// of returns the counts of a station's frames so far.
func (l *links) of(s Station) Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[s]
	c.Dropped = maps.Clone(c.Dropped)
	return c
}
