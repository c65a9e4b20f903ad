// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"slices"

	"github.com/fipctl/fipctl/pkg/election"
)

// Receiver is the node that a datagram must be meant for. It is only read and
// may be shared.
type Receiver struct {
	Cluster string
	Node    string   // this node's name
	Peers   []string // the names of the other configured nodes
	Keys    Keyring

	// Old, if it is set, says why a datagram of a session and sequence of a sender cannot
	// be news, or ReasonNone. It is asked before the signature is checked, so that a flood of
	// copies is cheap to refuse, and must do nothing but look: what it is told is only claimed.
	Old func(kind Kind, from string, session, sequence uint64) election.Reason
}

// Message is a decoded datagram. Decoding into the same Message again reuses
// its memory, so its slices are valid until then only.
type Message struct {
	// Kind is what the datagram is or claims to be; 0 if that could not be read.
	Kind Kind

	// From is the configured node that the datagram claims to come from, and
	// empty if it was refused before that was known. It is set on
	// ReasonWrongReceiver, ReasonUnknownKey and ReasonBadSignature too, but
	// proven only by ReasonNone, or by ReasonMalformed or ReasonWrongReceiver with Signed set:
	// the last is an advert in this node's own name, and Advert is what it says.
	From string

	// Signed is set once the signature was found to fit. A malformed datagram
	// that is signed is a peer's mistake, not an attack.
	Signed bool

	// KeyID is the key that the datagram names, for telling operators which
	// one is missing; see Keyring.IDs.
	KeyID [4]byte

	// The value, in the field that belongs to Kind; the others are left over
	// from earlier datagrams.
	Advert  election.Advert
	Request ProbeRequest
	Reply   ProbeReply
}

// Decode checks the datagram b and reads it into m. It returns ReasonNone, or
// the first check that failed, in the order of RFC 9568 section 7.1 with our
// checks in the place of its: version, form (size and envelope), cluster,
// sender, receiver, key, signature, form of the signed body.
//
// The body is read last so that only the holders of a key reach that code.
// Session, sequence and VRIDs are checked by the election machine, and a
// probe's nonce by whoever drew it.
func (r *Receiver) Decode(b []byte, m *Message) election.Reason {
	m.Kind, m.From, m.Signed, m.KeyID = 0, "", false, [4]byte{}
	if len(b) > 0 && b[0] != Version {
		return election.ReasonBadVersion
	}
	var env envelope
	if !env.read(b) {
		return election.ReasonMalformed
	}
	m.Kind, m.KeyID = env.kind, env.keyID
	if string(env.cluster) != r.Cluster {
		return election.ReasonWrongCluster
	}
	if m.From = r.sender(&env); m.From == "" {
		return election.ReasonUnknownSender
	}
	env.sender = m.From
	wrong := env.kind != KindProbeRequest && string(env.to) != r.Node
	if wrong && (env.kind != KindAdvert || m.From != r.Node) {
		return election.ReasonWrongReceiver
	}
	if reason := r.old(&env); reason != election.ReasonNone {
		return reason
	}
	if wrong { // somebody speaks in this node's name, if he has the key
		m.Signed = r.Keys.check(&env) == election.ReasonNone && r.readBody(&env, m)
		return election.ReasonWrongReceiver
	}
	if reason := r.Keys.check(&env); reason != election.ReasonNone {
		return reason
	}
	m.Signed = true
	if !r.readBody(&env, m) {
		return election.ReasonMalformed
	}
	return election.ReasonNone
}

// sender returns the configured name of the node that env claims to come from.
// A probe may reach the node that sent it, when the address is its own; an advert in this
// node's name is for another, and the sender of it somebody with the same name.
func (r *Receiver) sender(env *envelope) string {
	i := slices.IndexFunc(r.Peers, func(p string) bool { return p == string(env.from) })
	switch {
	case i >= 0:
		return r.Peers[i]
	case string(env.from) == r.Node:
		return r.Node
	}
	return ""
}

// old asks Old about what has a session and a sequence. A body that cannot be read so far is
// left for later, when it is known who wrote it.
func (r *Receiver) old(env *envelope) election.Reason {
	if r.Old == nil || env.kind == KindProbeReply {
		return election.ReasonNone
	}
	d := reader{b: env.body}
	if env.kind == KindAdvert {
		for range d.byte() {
			d.take(int(d.byte())) // a name
		}
		d.take(int(d.byte())) // the address
	}
	session, sequence := d.session(), d.sequence()
	if d.bad {
		return election.ReasonNone
	}
	return r.Old(env.kind, env.sender, session, sequence)
}

func (r *Receiver) readBody(env *envelope, m *Message) bool {
	switch env.kind {
	case KindAdvert:
		return r.readAdvert(env.body, env, &m.Advert)
	case KindProbeRequest:
		return r.readRequest(env.body, env, &m.Request)
	default:
		return r.readReply(env.body, env, &m.Reply)
	}
}

// check tries every key with the id in the envelope: four bytes may coincide.
func (k Keyring) check(env *envelope) election.Reason {
	reason := election.ReasonUnknownKey
	for _, key := range k.keys {
		if key.id != env.keyID {
			continue
		}
		if key.verify(env.signed, env.tag) {
			return election.ReasonNone
		}
		reason = election.ReasonBadSignature
	}
	return reason
}

// envelope is what every datagram has, as slices of it.
type envelope struct {
	kind              Kind
	keyID             [keyIDSize]byte
	cluster, from, to []byte
	body              []byte
	signed            []byte // everything before the tag
	tag               []byte
	sender            string // from, as the receiver's configuration spells it
}

// read reports whether b has the size and the outer form of a datagram of this
// version. Nothing is proven yet.
func (env *envelope) read(b []byte) bool {
	if len(b) > MaxSize || len(b) < prefixSize+tagSize {
		return false
	}
	env.signed, env.tag = b[:len(b)-tagSize], b[len(b)-tagSize:]
	d := reader{b: env.signed[1:]}
	env.kind = Kind(d.byte())
	copy(env.keyID[:], d.take(keyIDSize))
	env.cluster = d.text(nameMax)
	env.from = d.text(nameMax)
	switch env.kind {
	case KindAdvert, KindProbeReply:
		env.to = d.text(nameMax)
	case KindProbeRequest:
		d.require(d.byte() == 0)
	default:
		d.fail()
	}
	env.body = d.b
	return !d.bad
}
