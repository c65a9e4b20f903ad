// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"fmt"

	"github.com/fipctl/fipctl/pkg/election"
)

// ProbeRequest asks whichever node is reached through a floating IP who it is.
type ProbeRequest struct {
	Cluster string
	From    string // the asking node
	Session uint64 // of the asking node's daemon; not zero
	// Sequence is 1 for the first request of a session and grows with each; at most
	// 2^48-1. It tells a request from a copy of an earlier one.
	Sequence uint64
	Nonce    [16]byte // drawn by the asking node; the reply repeats it
	VRIDs    []uint8  // the groups asked about; none means all
}

// ProbeReply is the answer of the node that a probe reached.
type ProbeReply struct {
	Cluster string
	From    string   // the answering node
	To      string   // the node that asked
	Session uint64   // of the answering node's daemon; not zero
	Nonce   [16]byte // of the request
	Groups  []ProbeGroup
}

// ProbeGroup is the state of one group on the answering node.
type ProbeGroup struct {
	VRID    uint8
	Role    election.Role
	Healthy bool
}

// groupsMax is how many VRIDs there are.
const groupsMax = 255

// AppendProbeRequest appends the datagram of p, signed with the first key of k,
// and returns the extended slice. It is padded with zeros until the longest
// possible reply would not be longer. It fails, with dst unchanged, if a value
// is out of range.
func AppendProbeRequest(dst []byte, p *ProbeRequest, k *Keyring) ([]byte, error) {
	e := encoder{b: dst}
	e.begin(KindProbeRequest, k, p.Cluster, p.From, "")
	e.session(p.Session)
	e.sequence(p.Sequence)
	e.b = append(e.b, p.Nonce[:]...)
	var seen vridSet
	start := len(e.b)
	for _, v := range p.VRIDs {
		if !seen.add(v) {
			e.fail(fmt.Errorf("VRID %d is zero or named twice", v))
		}
		e.byte(v)
	}
	groups := groupsMax
	if len(p.VRIDs) > 0 {
		e.item(itemVRIDs, start)
		groups = len(p.VRIDs)
	}
	if missing := replySizeMax(p, groups) - (len(e.b) - e.start + tagSize); missing > 0 {
		start = len(e.b)
		e.b = append(e.b, make([]byte, missing)...)
		e.item(itemPadding, start)
	}
	out, err := e.finish(dst, k, MaxSize)
	if err != nil {
		return dst, fmt.Errorf("encode probe request: %w", err)
	}
	return out, nil
}

// replySizeMax is the size of a reply to p about so many groups from the node
// with the longest possible name.
func replySizeMax(p *ProbeRequest, groups int) int {
	return prefixSize + 1 + len(p.Cluster) + 1 + nameMax + 1 + len(p.From) + sessionSize + nonceSize +
		headMaxSize + 2*groups + tagSize
}

// AppendProbeReply appends the datagram of p, signed with the first key of k,
// and returns the extended slice. The size of the request being answered is the
// limit, so that a forged source address gains nothing; an honest request always
// leaves room for the groups that it names. It fails, with dst unchanged, with
// ErrTooLarge above the limit or if a value is out of range.
func AppendProbeReply(dst []byte, p *ProbeReply, k *Keyring, requestSize int) ([]byte, error) {
	e := encoder{b: dst}
	e.begin(KindProbeReply, k, p.Cluster, p.From, p.To)
	e.session(p.Session)
	e.b = append(e.b, p.Nonce[:]...)
	var seen vridSet
	start := len(e.b)
	for _, g := range p.Groups {
		if !seen.add(g.VRID) {
			e.fail(fmt.Errorf("VRID %d is zero or named twice", g.VRID))
		}
		e.role(g.Role)
		e.byte(g.VRID)
		e.byte(stateByte(g.Role, g.Healthy))
	}
	if len(p.Groups) > 0 {
		e.item(itemStates, start)
	}
	out, err := e.finish(dst, k, min(requestSize, MaxSize))
	if err != nil {
		return dst, fmt.Errorf("encode probe reply to %q: %w", p.To, err)
	}
	return out, nil
}

// readRequest reports whether body is well formed; p is only then complete.
func (r *Receiver) readRequest(body []byte, env *envelope, p *ProbeRequest) bool {
	d := reader{b: body}
	p.Cluster, p.From = r.Cluster, env.sender
	p.Session, p.Sequence = d.session(), d.sequence()
	copy(p.Nonce[:], d.take(nonceSize))
	p.VRIDs = p.VRIDs[:0]
	for last := uint64(0); len(d.b) > 0; {
		kind, v := d.item(&last)
		switch kind {
		case itemVRIDs:
			p.VRIDs = append(p.VRIDs, readVRIDs(&v)...)
		case itemPadding:
			v.require(len(v.b) > 0)
			for len(v.b) > 0 {
				v.require(v.byte() == 0)
			}
		default:
			continue
		}
		d.require(v.done())
	}
	return d.done()
}

func readVRIDs(v *reader) []byte {
	var seen vridSet
	vrids := v.take(len(v.b))
	v.require(len(vrids) > 0)
	for _, vrid := range vrids {
		v.require(seen.add(vrid))
	}
	return vrids
}

// readReply reports whether body is well formed; p is only then complete.
func (r *Receiver) readReply(body []byte, env *envelope, p *ProbeReply) bool {
	d := reader{b: body}
	p.Cluster, p.From, p.To = r.Cluster, env.sender, r.Node
	p.Session = d.session()
	copy(p.Nonce[:], d.take(nonceSize))
	p.Groups = p.Groups[:0]
	for last := uint64(0); len(d.b) > 0; {
		kind, v := d.item(&last)
		if kind == itemStates {
			p.Groups = readStates(&v, p.Groups)
			d.require(v.done())
		}
	}
	return d.done()
}

func readStates(v *reader, gs []ProbeGroup) []ProbeGroup {
	var seen vridSet
	v.require(len(v.b) > 0)
	for len(v.b) > 0 {
		g := ProbeGroup{VRID: v.byte()}
		g.Role, g.Healthy = v.state()
		v.require(seen.add(g.VRID))
		gs = append(gs, g)
	}
	return gs
}
