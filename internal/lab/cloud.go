// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/providers"
)

const (
	// moveTakes is how long the clouds take to do what they do later than they accept
	// it. Users of the real ones report 2 to 12 s; less keeps the lab short and hides
	// nothing, since the figure stands in the table.
	moveTakes = time.Second
	// dueEvery is how often the model is looked at, so that a move that is due
	// happens although nobody asks.
	dueEvery = 5 * time.Millisecond
)

// cloud is the fake cloud of a cluster: the ownership model, its API, and one
// metadata service per node.
type cloud struct {
	offer  offer
	nodes  int
	vendor vendor
	model  *fakecloud.Model
	heard  announcements
}

// announcements are those that may move the address, as the nodes made them.
type announcements struct {
	mu  sync.Mutex
	all []announcement
}

type announcement struct {
	at   time.Time
	node int
}

// add notes an announcement by a node that does not hold the address; what it repeats
// until the address has moved, or announces as its holder, is no news.
func (a *announcements) add(now time.Time, node, holder int, since time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.all); node == holder || n > 0 && a.all[n-1].node == node && a.all[n-1].at.After(since) {
		return
	}
	a.all = append(a.all, announcement{now, node})
}

func (a *announcements) taken() []announcement {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.all)
}

// openCloud builds the cloud with one machine per node. Nothing listens yet.
func openCloud(o offer, at layout, so clusterOptions) (*cloud, error) {
	c := &cloud{offer: o, nodes: so.nodes, model: fakecloud.New(fakecloud.Options{Now: time.Now})}
	var err error
	c.vendor, err = o.open(o, c.model, at, so)
	return c, err
}

// privateOf returns the private addresses of node i of n. Those by which the other nodes
// know it are among them, as they are in a real network: a node is recognised as
// the owner by them before its first advert arrives.
func privateOf(at layout, i, n int) []netip.Addr {
	addresses := []netip.Addr{at.node(i)}
	for j := range n {
		if a := at.seen(j, i).Addr(); !slices.Contains(addresses, a) {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

// watch looks at the model until ctx ends, so that what is due happens.
func (c *cloud) watch(ctx context.Context) {
	tick := time.NewTicker(dueEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.model.Now()
		}
	}
}

// nodeOf returns the number of the node that a target is, or -1.
func (c *cloud) nodeOf(t providers.Target) int {
	for i := range c.nodes {
		if c.vendor.target(i) == t {
			return i
		}
	}
	return -1
}

// nameOf returns what the lab calls a holder; empty for nobody.
func (c *cloud) nameOf(t providers.Target) string {
	switch i := c.nodeOf(t); {
	case i >= 0:
		return nodeNames[i]
	case t == c.vendor.stranger():
		return c.offer.stranger()
	default:
		return t.String()
	}
}

// clientSlot is the one that says where clients are delivered to.
func (c *cloud) clientSlot() fakecloud.Slot { return c.vendor.slots()[0] }

// delivers returns the number of the node that clients are delivered to, or -1.
func (c *cloud) delivers() int { return c.nodeOf(c.model.HolderIn(c.clientSlot())) }

// holder returns the number of the node that holds the address wherever it is, or -1.
func (c *cloud) holder() int {
	at := c.delivers()
	for _, s := range c.vendor.slots() {
		if c.nodeOf(c.model.HolderIn(s)) != at {
			return -1
		}
	}
	return at
}

// owner returns the name of whoever holds the address, of several together; empty for
// nobody.
func (c *cloud) owner() string {
	slots := c.vendor.slots()
	text := c.nameOf(c.model.HolderIn(slots[0]))
	for _, s := range slots[1:] {
		if other := c.nameOf(c.model.HolderIn(s)); other != c.nameOf(c.model.HolderIn(slots[0])) {
			text = fmt.Sprintf("%s, in %s by %s", orNobody(text), s.Table, orNobody(other))
		}
	}
	return text
}

// place is a hand in the console that binds the address to node i.
func (c *cloud) place(i int) error {
	for _, s := range c.vendor.slots() {
		if err := c.model.PlaceIn(s, c.vendor.target(i)); err != nil {
			return err
		}
	}
	return nil
}

// announced tells the cloud that node i announces the address, and reports whether it
// heeds that.
func (c *cloud) announced(i int) bool {
	if a, err := c.model.View(0).AddressIn(c.clientSlot()); err == nil {
		c.heard.add(c.model.Now(), i, c.nodeOf(a.Holder), a.Since)
	}
	return c.vendor.announce(i)
}

// refuse makes the API reset every connection, of one node or of all when node is
// empty, until the returned function is called.
func (c *cloud) refuse(node string) (again func()) {
	return c.vendor.api().Inject(face.Match{Node: node}, face.Refuse(), 0)
}

// hang makes the API take reads and never answer them until the returned function is
// called; those that are under way then stay unanswered.
func (c *cloud) hang() (again func()) {
	return c.vendor.api().Inject(face.Match{Reads: true}, face.BlackHole(), 0)
}

// loseReply makes the API cut the connection of the next call that binds the address,
// after it has been accepted.
func (c *cloud) loseReply() { c.vendor.api().Inject(c.vendor.binding(), face.CutAfter(), 1) }

// swallowReplies makes the API answer no write any more, though it does what it is asked.
func (c *cloud) swallowReplies() {
	c.vendor.api().Inject(face.Match{Writes: true}, face.Swallowed(), 0)
}

// moves counts how often the address reached another holder, writes how often a
// daemon asked for it, whatever the answer was.
func (c *cloud) moves() int { return c.model.Moves(c.clientSlot().IP) }

func (c *cloud) writes() int {
	n := 0
	for _, e := range c.model.Journal() {
		if e.Write {
			n++
		}
	}
	return n
}

// span is a stretch of time in which the cloud had something to do for a node.
type span struct {
	node     string
	from, to time.Time
}

// busy returns when the cloud was busy for whom: from the arrival of each call until
// its answer had left, or, of a write, until it took effect.
func (c *cloud) busy() []span {
	var spans []span
	for _, e := range c.model.Journal() {
		s := span{e.Node, e.Arrived, e.Answered}
		if e.Applied.After(s.to) {
			s.to = e.Applied
		}
		if s.to.After(s.from) {
			spans = append(spans, s)
		}
	}
	for _, a := range c.heard.taken() {
		spans = append(spans, span{nodeNames[a.node], a.at, a.at.Add(c.offer.takes)})
	}
	return spans
}

// events returns the writes and moves so far.
func (c *cloud) events() []event {
	es := append(writeEvents(c.model.Journal()), c.moveEvents(c.model.Changes())...)
	for _, a := range c.heard.taken() {
		es = append(es, event{At: a.at, Kind: eventWrite, Who: nodeNames[a.node], What: "announces the address"})
	}
	return es
}

// moveEvents returns those of the changes that are about the address where clients
// are delivered by; the other route tables of a route only show when it has several.
func (c *cloud) moveEvents(changes []fakecloud.Change) []event {
	var es []event
	for _, ch := range changes {
		at := fakecloud.Slot{IP: ch.IP, Table: ch.Table}
		switch e := moveEvent(ch, c.nameOf); {
		case at == c.clientSlot():
			es = append(es, e)
		case ch.IP == c.clientSlot().IP:
			e.Kind = eventLog
			es = append(es, e)
		}
	}
	return es
}

// capabilitiesOf returns what the registry says of a kind; the lab plays only what
// the program knows.
func capabilitiesOf(provider, kind string) providers.Capabilities {
	d, _ := registry.Describe(provider)
	k, ok := d.Kind(kind)
	if !ok {
		panic("lab: the registry has no kind " + kind + " of " + provider)
	}
	return k.Capabilities
}
