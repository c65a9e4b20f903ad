// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"net/netip"
	"slices"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// fileSays is what the files of all nodes say that one node is called.
type fileSays int

const (
	fileNothing fileSays = iota
	fileRight
	fileOld      // a machine that is no more
	fileAnothers // what the next node is called
)

// String returns it as one word.
func (f fileSays) String() string { return [...]string{"nothing", "right", "old", "another's"}[f] }

// identitySalt makes the chance of identities one of its own.
const identitySalt = 0x6964656e74697479

// drawIdentities draws what files and machines are beside what they should be.
func drawIdentities(o *options, c chance) {
	o.copies = c.one(0.3)
	wrong := c.one(0.3)
	for range o.nodes {
		says := fileSays(c.weighted(50, 50))
		if wrong && c.one(0.6) {
			says = fileOld + fileSays(c.weighted(50, 50))
		}
		o.files = append(o.files, says)
	}
}

// privateOf returns the private addresses of a stranger.
func (w *world) privateOf(i int) []netip.Addr {
	if !w.opts.copies {
		return nil
	}
	return []netip.Addr{w.nodes[i].addr}
}

// fileTarget is what the files call a node; empty: nothing.
func (w *world) fileTarget(i int) string {
	if i >= len(w.opts.files) {
		return ""
	}
	switch w.opts.files[i] {
	case fileRight:
		return w.nodes[i].target.String()
	case fileOld:
		return "i-old"
	case fileAnothers:
		return w.nodes[(i+1)%len(w.nodes)].target.String()
	default:
		return ""
	}
}

// misnamed reports whether the files call a node what it is not.
func (w *world) misnamed(i int) bool {
	file := w.fileTarget(i)
	return file != "" && file != w.nodes[i].target.String()
}

// whoIsWho is what a node knows of all: what it was told, in this life, and its file.
func (w *world) whoIsWho(n *node) []controller.Node {
	var heard map[string][]election.NodeTarget
	if n.machine != nil {
		heard = n.machine.PeerTargets()
	}
	nodes := make([]controller.Node, 0, len(w.nodes))
	for i, p := range w.nodes {
		k := controller.Node{Name: p.name, Address: p.addr, Said: heard[p.name]}
		if file := w.fileTarget(i); p != n && file != "" {
			k.File = map[string]string{providerName: file}
		} else if p == n && n.known {
			k.Said = []election.NodeTarget{{Provider: providerName, Target: n.target.String()}}
		}
		nodes = append(nodes, k)
	}
	return nodes
}

// indistinct reports whether a stranger is the copy of another node's machine, and nothing
// that n knows tells the two apart: its daemon was not heard, and the file says nothing of it
// that counts.
func (w *world) indistinct(n *node, stranger providers.Target) bool {
	i := slices.Index(w.strangers, stranger)
	if !w.opts.copies || i < 0 || w.nodes[i] == n || len(n.machine.PeerTargets()[w.nodes[i].name]) > 0 {
		return false
	}
	return w.fileTarget(i) == "" || w.opts.files[i] == fileAnothers
}
