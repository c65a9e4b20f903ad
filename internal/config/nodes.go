// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/pkg/election"
)

// How many nodes a cluster has. The upper limit bounds the adverts, which relay
// what is heard of every other node.
const (
	nodesMin = 2
	nodesMax = 16
)

// targetMax is the longest target id that an advert carries, in bytes.
const targetMax = 96

// namePattern is what names in the file look like: they are typed in commands,
// compared on the wire and used as metric labels.
var namePattern = regexp.MustCompile(`^[a-z0-9.-]{1,63}$`)

// nameOf returns a required name, or "" after reporting what is wrong with it.
func (b *builder) nameOf(t *text, path, example string) string {
	switch {
	case t != nil && !namePattern.MatchString(string(*t)):
		b.errorf(path, "%s has other characters than a-z, 0-9, dot and hyphen, or more than 63; write a name such as %s", quote(string(*t)), example)
	case t != nil:
		return string(*t)
	case !b.given(path):
		b.errorf(path, "is missing; write a name such as %s", example)
	}
	return ""
}

func (b *builder) cluster() {
	c := b.raw.Cluster
	if c == nil {
		if !b.given("cluster") {
			b.errorf("cluster", "is missing; write a block with the keys id and key_file")
		}
		return
	}
	b.cfg.Cluster.ID = b.nameOf(c.ID, "cluster.id", "web")
	switch {
	case c.KeyFile != nil:
		file := b.absolute(c.KeyFile)
		b.cfg.Cluster.KeyFile = SecretFile(file)
		b.keyFile("cluster.key_file", file)
	case !b.given("cluster.key_file"):
		b.errorf("cluster.key_file", "is missing; run \"fipctl keygen --output /etc/fipctl/cluster.key\", copy the file to every node and name it here")
	}
	b.within(&b.cfg.Cluster.AdvertInterval, c.AdvertInterval, "cluster.advert_interval", election.IntervalMin, election.IntervalMax, election.IntervalDefault)
}

func (b *builder) nodes() {
	if b.raw.Nodes == nil {
		if !b.given("nodes") {
			b.errorf("nodes", "is missing; list all nodes of the cluster, each with name and address")
		}
		return
	}
	if n := len(b.raw.Nodes); n < nodesMin || n > nodesMax {
		b.errorf("nodes", "has %s, allowed are %d to %d; %s", count(n, "node"), nodesMin, nodesMax,
			pick(n < nodesMin, "a cluster needs a node to move the address to", "split it into several clusters"))
	}
	names, addresses, machines := map[string]string{}, map[netip.Addr]string{}, map[string]string{}
	for i, raw := range b.raw.Nodes {
		at := fmt.Sprintf("nodes[%d]", i)
		if raw == nil {
			continue
		}
		n := Node{
			Name:    b.nameOf(raw.Name, at+".name", "lb-a"),
			Address: b.nodeAddress(raw.Address, at+".address"),
			Targets: b.targets(raw.Target, at+".target"),
		}
		if n.Name != "" {
			unique(b, names, n.Name, at+".name", "rename one of the two")
		}
		if ip := n.Address.Addr(); ip.IsValid() {
			unique(b, addresses, ip, at+".address", "every node needs one of its own")
		}
		for _, provider := range slices.Sorted(maps.Keys(n.Targets)) {
			unique(b, machines, provider+" "+n.Targets[provider], join(at+".target", provider), "a machine is one node; correct one of the two")
		}
		b.cfg.Nodes = append(b.cfg.Nodes, n)
	}
}

// unique reports whether no earlier place of the file has the value, and it as a
// problem if one does.
func unique[K comparable](b *builder, seen map[K]string, v K, path, remedy string) bool {
	first, twice := seen[v]
	if twice {
		b.errorf(path, "%v is already at %s (line %d); %s", v, first, b.line(first), remedy)
		return false
	}
	seen[v] = path
	return true
}

// nodeAddress returns an address with the default port, if the file gives none.
func (b *builder) nodeAddress(t *text, path string) netip.AddrPort {
	if t == nil {
		if !b.given(path) {
			b.errorf(path, "is missing; write the node's private address, such as 10.0.4.20")
		}
		return netip.AddrPort{}
	}
	ap, err := addrPort(string(*t), DefaultPort)
	switch {
	case err != nil:
		b.errorf(path, "%v; write ip or ip:port, such as 10.0.4.20 or [2001:db8::20]:%d", err, DefaultPort)
	case ap.Addr().IsUnspecified() || ap.Addr().IsMulticast() || ap.Addr() == broadcast:
		b.errorf(path, "%v is no address of one node; write its private address", ap.Addr())
	default:
		return ap
	}
	return netip.AddrPort{}
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// addrPort parses ip or ip:port. What means the same address in another form is
// refused, so that no address can be written twice unnoticed.
func addrPort(s string, port uint16) (netip.AddrPort, error) {
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	ap := netip.AddrPortFrom(ip, port)
	if err != nil {
		ap, err = netip.ParseAddrPort(s)
	}
	host, _, hasPort := cutLast(s, ":")
	switch {
	case err != nil && hasPort && isIP(host):
		return netip.AddrPort{}, fmt.Errorf("%s has no port from 1 to 65535", quote(s))
	case err != nil:
		return netip.AddrPort{}, fmt.Errorf("%s is no IP address", quote(s))
	case ap.Port() == 0:
		return netip.AddrPort{}, fmt.Errorf("%s has no port from 1 to 65535", quote(s))
	case ap.Addr().Zone() != "":
		return netip.AddrPort{}, fmt.Errorf("%s has a zone, which means something on one machine only", quote(s))
	case ap.Addr().Is4In6():
		return netip.AddrPort{}, fmt.Errorf("%s is IPv4 written as IPv6", quote(s))
	}
	return ap, nil
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return err == nil
}

// targets returns what the providers call this node.
func (b *builder) targets(raw map[string]*ident, path string) map[string]string {
	if len(raw) == 0 {
		return nil
	}
	known := b.opts.Names()
	targets := map[string]string{}
	for _, provider := range slices.Sorted(maps.Keys(raw)) {
		at, id := join(path, provider), string(*raw[provider])
		switch {
		case !slices.Contains(known, provider):
			b.errorf(at, "unknown provider; %s", choice(provider, known))
		case len(id) > targetMax:
			b.errorf(at, "the id has %d bytes, allowed are %d; copy it from the cloud's console", len(id), targetMax)
		default:
			targets[provider] = id
		}
	}
	return targets
}

// self finds out which of the nodes this machine is: by --node, by the file, by
// the host name, in this order. It is never guessed from local addresses: they
// change, and two machines of a faulty image have the same.
func (b *builder) self() {
	name, path, from := b.opts.Node, "nodes", "--node"
	switch {
	case name != "":
	case b.given("node"):
		if b.raw.Node == nil {
			return
		}
		name, path, from = string(*b.raw.Node), "node", ""
	default:
		host, err := b.opts.Hostname()
		if err != nil && !b.opts.AnyNode {
			b.errorf("nodes", "which node this is cannot be told: %v; set node or use --node", bare(err))
		}
		if err != nil {
			return
		}
		if name, from = host, "the host name"; !b.isNode(host) {
			name, _, _ = strings.Cut(host, ".")
		}
	}
	switch {
	case b.isNode(name):
		b.cfg.Node = name
	case len(b.cfg.Nodes) == 0 || b.opts.AnyNode && from == "the host name":
	default:
		b.errorf(path, "%s is none of the nodes; %s", strings.TrimSpace(from+" "+quote(name)),
			pick(path == "node", choice(name, b.nodeNames()), "use --node with "+enumerate(b.nodeNames(), "or")+", or set node"))
	}
}

func (b *builder) isNode(name string) bool {
	return name != "" && slices.Contains(b.nodeNames(), name)
}

// nodeNames returns the names that are usable, in the order of the file, each
// once.
func (b *builder) nodeNames() []string {
	var names []string
	for _, n := range b.cfg.Nodes {
		if n.Name != "" && !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
	}
	return names
}

// count returns a number with its noun: "1 node", "3 nodes".
func count(n int, noun string) string {
	return fmt.Sprintf("%d %s%s", n, noun, pick(n == 1, "", "s"))
}

// pick returns a if cond holds, and b otherwise.
func pick(cond bool, a, b string) string {
	if cond {
		return a
	}
	return b
}
