// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"crypto/sha256"
	"errors"
	"math"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// Version is the first byte of every datagram. It changes only when a receiver
// of an older version could not even find the signature.
const Version = 2

// versionsMax is the highest version that another release may have.
const versionsMax = 15

// OtherVersion reports whether a datagram may be one of another version of this protocol: all
// begin with their number.
func OtherVersion(b []byte) bool {
	return len(b) > tagSize && b[0] > 0 && b[0] <= versionsMax && b[0] != Version
}

// MaxSize is the largest datagram in bytes. With the headers of UDP and IPv6 it
// stays below 1,280 bytes, the smallest MTU that IPv6 allows (RFC 8200 section
// 5), so no datagram is ever fragmented, in tunnels neither.
const MaxSize = 1200

// Kind is the second byte of a datagram: what it is.
type Kind uint8

// The kinds. The numbers are on the wire.
const (
	KindAdvert       Kind = 1 // a node's state, to one peer
	KindProbeRequest Kind = 2 // a question to whoever holds the floating IP
	KindProbeReply   Kind = 3 // the answer of the node that was reached
)

var kindNames = [...]string{"unknown", "advert", "probe-request", "probe-reply"}

// String returns the kind as lower-case words with hyphens.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		k = 0
	}
	return kindNames[k]
}

// Sizes of the fixed parts, in bytes.
const (
	tagSize     = sha256.Size // the whole HMAC; nothing is gained by cutting it
	keyIDSize   = 4           // enough to tell the few keys of a key file apart
	sessionSize = 8
	nonceSize   = 16
	digestSize  = 4
	prefixSize  = 2 + keyIDSize // version, kind, key id
)

// Limits of the values. Whatever exceeds them is an error when encoding and
// malformed when decoding, except that ages saturate when encoding.
const (
	nameMax   = 63 // bytes of a cluster id, node name or provider name: a DNS label (RFC 1035 section 2.3.4)
	targetMax = 96 // bytes of a target: three cloud ids or addresses and two slashes
	namesMax  = 32 // different node names in one datagram; a node index has six bits
	tableMax  = 1 + (namesMax-2)*(1+nameMax)

	// numberMax keeps sequence numbers far enough from the end of uint64 that adding
	// one never wraps.
	numberMax = 1<<48 - 1

	// termMax is half of that: counting does not come so far, and whoever counts on from
	// a term near the end of the range could not say the next.
	termMax = election.TermMax

	// ageMax is where ages and remaining times saturate. No rule of the
	// election tells a day from a longer time, and it keeps them in 4 bytes.
	ageMax = 24 * time.Hour

	// The range of the advert interval (docs/design.md, timers and adverts).
	intervalMin = 50 * time.Millisecond
	intervalMax = 40 * time.Second

	uptimeMax = math.MaxInt64 / int64(time.Millisecond) // milliseconds that a time.Duration can hold
)

// Items of an advert's header, in the order in which they stand.
const (
	itemEcho    = 1
	itemHello   = 2
	itemTargets = 3
	itemGroups  = 4
)

// Items of a group record.
const (
	itemRequest  = 1
	itemHandover = 2
	itemUnbound  = 3
	itemProbe    = 4
	itemRelays   = 5
)

// Items of probe requests and replies.
const (
	itemVRIDs   = 1  // request: the groups asked about
	itemPadding = 14 // request: room for the reply
	itemStates  = 1  // reply: the groups answered for
)

// The head of an item: type in the high four bits, length of the value in the
// low four. 15 in either means that the number follows as a uvarint.
const (
	headExtended = 15
	headMaxSize  = 1 + 2 + 2 // of the types and lengths that this version sends
)

// ErrTooLarge is returned for a datagram that would exceed MaxSize even with a single
// group, or for a probe reply that would exceed its request. Nothing can be sent then;
// [Shape] tells beforehand whether it can happen.
var ErrTooLarge = errors.New("datagram too large")
