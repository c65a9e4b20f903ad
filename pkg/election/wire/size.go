// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import "math"

// Shape is what decides how large the parts of a cluster's adverts can become. The
// validation of a configuration asks it before a daemon starts, because a part that does
// not fit cannot be sent and its sender would fall silent.
type Shape struct {
	Cluster   string
	Nodes     []string // the names of all nodes of the cluster
	Providers []string // the names of the providers in use
}

// Size returns the largest number of bytes that a part with one group can have, whatever
// happens: every field at its longest, every item present, an IPv6 address, the longest
// targets, and every other peer relayed. Only what is above MaxSize cannot be sent:
// groups that do not fit together travel in several parts.
func (s Shape) Size() int { return s.headerSize() + itemSize(s.groupSize()) + tagSize }

// headerSize counts every node name once: sender and receiver in the envelope,
// the others in the table.
func (s Shape) headerSize() int {
	size := prefixSize + 1 + len(s.Cluster)
	for _, n := range s.Nodes {
		size += 1 + len(n)
	}
	size += 1 + // number of names
		1 + 16 + // address
		sessionSize + uvarintSize(numberMax) + // session, sequence
		uvarintSize(uint64(uptimeMax)) + uvarintSize(uint64(intervalMax.Milliseconds())) + 1 + // and the number of groups
		2*itemSize(sessionSize+uvarintSize(numberMax)) // echo, hello
	targets := 0
	for _, p := range s.Providers {
		targets += 1 + len(p) + 1 + targetMax
	}
	if targets > 0 {
		size += itemSize(targets)
	}
	return size
}

// groupSize is the longest record of a group with its length in front.
func (s Shape) groupSize() int {
	age := uvarintSize(uint64(ageMax.Milliseconds()))
	size := 1 + digestSize + 1 + 1 + uvarintSize(math.MaxUint16) + 1 + // VRID to reason
		uvarintSize(termMax) + 1 + 1 + age + // term, owner
		itemSize(1+uvarintSize(math.MaxUint64)) + // request
		itemSize(1+uvarintSize(math.MaxUint64)+age) + // handover
		itemSize(age) + // unbound
		itemSize(1+age) // probe
	if others := len(s.Nodes) - 2; others > 0 {
		size += itemSize(others * (1 + 1 + age)) // relays
	}
	return uvarintSize(uint64(size)) + size
}

// itemSize is the size of an item whose value has n bytes.
func itemSize(n int) int {
	if n < headExtended {
		return 1 + n
	}
	return 1 + uvarintSize(uint64(n)) + n
}

// uvarintSize is the number of bytes of v as a uvarint: seven bits each.
func uvarintSize(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
