// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/pkg/providers"
)

// What the lab's cloud is called and holds.
const (
	providerName = "digitalocean"
	addressKind  = "reserved-ip"
	region       = "nyc3"
	firstDroplet = 1001
	foreign      = "a droplet outside the cluster"
	foreignID    = "2001"
	// assignTakes is how long the cloud takes to move the address once it has
	// accepted the request. Users of the real one report 2 to 12 s; less keeps the
	// lab short and hides nothing, since the figure stands in the table.
	assignTakes = time.Second
	// dueEvery is how often the model is looked at, so that a move that is due
	// happens although nobody asks.
	dueEvery = 5 * time.Millisecond
	// assignPath is the call that moves an address.
	assignPath = "/v2/reserved_ips/*/actions"
)

// readScopes is what a token may do that may not move an address.
var readScopes = []string{fakedo.ScopeReservedIPRead, fakedo.ScopeDropletRead, fakedo.ScopeActionsRead, fakedo.ScopeAccountRead}

// cloud is the fake DigitalOcean: the ownership model, its API, and one metadata
// service per node.
type cloud struct {
	nodes     int
	ip        netip.Addr
	model     *fakecloud.Model
	api       *fakedo.Server
	listeners []*face.Listener
}

// openCloud builds the cloud with one droplet per node and binds its listeners.
func openCloud(p *plan, so clusterOptions) (*cloud, error) {
	c := &cloud{nodes: so.nodes, ip: p.floatingIP(), model: fakecloud.New(fakecloud.Options{Now: time.Now})}
	o := fakedo.Options{OperationDelay: assignTakes, Latency: so.latency, Anchors: map[string]netip.Addr{}}
	for i, name := range nodeNames[:c.nodes] {
		token := fakedo.Token{Value: tokenOf(name), Node: name}
		if slices.Contains(so.readOnly, i) {
			token.Scopes = readScopes
		}
		o.Tokens = append(o.Tokens, token)
		o.Anchors[dropletOf(i)] = p.node(i)
		instance := fakecloud.Instance{ID: dropletOf(i), Name: name, Region: region, Private: privateOf(p, i, c.nodes)}
		if err := c.model.AddInstance(instance); err != nil {
			return nil, err
		}
	}
	if err := c.model.AddInstance(fakecloud.Instance{ID: foreignID, Name: "somebody-else", Region: region}); err != nil {
		return nil, err
	}
	address := fakecloud.Address{IP: c.ip, Region: region, Holder: providers.Target{Instance: so.holder}}
	if err := c.model.AddAddress(address); err != nil {
		return nil, err
	}
	c.api = fakedo.New(c.model, o)
	if err := c.listen(p); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// privateOf returns the private addresses of node i of n. Those by which the other nodes
// know it are among them, as they are in a real network: a node is recognised as
// the owner by them before its first advert arrives.
func privateOf(p *plan, i, n int) []netip.Addr {
	addresses := []netip.Addr{p.node(i)}
	for j := range n {
		if j != i {
			addresses = append(addresses, p.standIn(j, i).Addr())
		}
	}
	return addresses
}

func (c *cloud) listen(p *plan) error {
	l, err := face.Listen(p.api().String(), c.api)
	if err != nil {
		return err
	}
	c.listeners = append(c.listeners, l)
	for i := range c.nodes {
		if l, err = face.Listen(p.metadata(i).String(), c.api.MetadataHandler(dropletOf(i))); err != nil {
			return err
		}
		c.listeners = append(c.listeners, l)
	}
	return nil
}

func (c *cloud) close() {
	for _, l := range c.listeners {
		_ = l.Close() // the processes that used it are gone
	}
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

// holder returns the number of the node that holds the address, or -1.
func (c *cloud) holder() int { return nodeOf(c.model.Holder(c.ip).Instance) }

// owner returns the name of whoever holds the address; empty for nobody.
func (c *cloud) owner() string { return instanceName(c.model.Holder(c.ip).Instance) }

// place is a hand in the console that binds the address to node i.
func (c *cloud) place(i int) error {
	return c.model.Place(c.ip, providers.Target{Instance: dropletOf(i)})
}

// refuse makes the API reset every connection, of one node or of all when node is
// empty, until the returned function is called.
func (c *cloud) refuse(node string) (again func()) {
	return c.api.Inject(face.Match{Node: node}, face.Refuse(), 0)
}

// loseReply makes the API cut the connection of the next assign after it has been
// accepted.
func (c *cloud) loseReply() {
	c.api.Inject(face.Match{Method: "POST", Path: assignPath}, face.CutAfter(), 1)
}

// moves counts how often the address reached another holder, writes how often a
// daemon asked for it, whatever the answer was.
func (c *cloud) moves() int { return c.model.Moves(c.ip) }

func (c *cloud) writes() int {
	n := 0
	for _, e := range c.model.Journal() {
		if e.Write {
			n++
		}
	}
	return n
}

func dropletOf(i int) string { return fmt.Sprint(firstDroplet + i) }

func nodeOf(instance string) int {
	for i := range nodeNames {
		if dropletOf(i) == instance {
			return i
		}
	}
	return -1
}

func instanceName(instance string) string {
	if i := nodeOf(instance); i >= 0 {
		return nodeNames[i]
	}
	return strings.ReplaceAll(instance, foreignID, foreign)
}
