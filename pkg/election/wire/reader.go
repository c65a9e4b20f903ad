// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// reader takes values from the front of b. Once something did not fit, bad stays
// set and every value is zero, so callers check once, at the end.
type reader struct {
	b   []byte
	bad bool
}

// fail empties the reader, which also ends every loop over what is left.
func (r *reader) fail() {
	r.bad = true
	r.b = nil
}

// require marks the input as malformed unless ok.
func (r *reader) require(ok bool) {
	if !ok {
		r.fail()
	}
}

// done reports whether everything was read and well formed.
func (r *reader) done() bool { return !r.bad && len(r.b) == 0 }

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	v := r.take(1)
	if v == nil {
		return 0
	}
	return v[0]
}

func (r *reader) uint32() uint32 {
	v := r.take(4)
	if v == nil {
		return 0
	}
	return binary.BigEndian.Uint32(v)
}

// uvarint reads a number of at most limit in its shortest form; a longer form
// would be a second spelling of the same datagram.
func (r *reader) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit || (n > 1 && r.b[n-1] == 0) {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// millis reads a time of at most limit milliseconds.
func (r *reader) millis(limit int64) time.Duration {
	return time.Duration(r.uvarint(uint64(limit))) * time.Millisecond
}

func (r *reader) age() time.Duration { return r.millis(ageMax.Milliseconds()) }

// text returns the bytes of a name; they belong to the datagram.
func (r *reader) text(max int) []byte {
	v := r.take(int(r.byte()))
	r.require(validText(v, max))
	return v
}

func (r *reader) address() netip.Addr {
	size := r.byte()
	a, ok := netip.AddrFromSlice(r.take(int(size)))
	r.require(ok && validAddress(a))
	return a
}

func (r *reader) session() uint64 {
	v := r.take(sessionSize)
	if v == nil {
		return 0
	}
	session := binary.BigEndian.Uint64(v)
	r.require(session != 0)
	return session
}

func (r *reader) sequence() uint64 {
	v := r.uvarint(numberMax)
	r.require(v != 0)
	return v
}

func (r *reader) role() election.Role {
	v := election.Role(r.byte())
	r.require(v.Valid())
	return v
}

// state reads what stateByte packed.
func (r *reader) state() (election.Role, bool) {
	v := r.byte()
	role := election.Role(v >> 1)
	r.require(role.Valid())
	return role, v&1 != 0
}

// prefixed returns what a length in front announces.
func (r *reader) prefixed() reader {
	return reader{b: r.take(int(r.uvarint(MaxSize)))}
}

// item takes the next item and returns its type and value; type 0 if it is
// malformed. Types must be above last, which excludes a second item of one type,
// and lengths must have their shortest form. Callers skip the types they do not
// know: a later version may have added them.
func (r *reader) item(last *uint64) (uint64, reader) {
	head := r.byte()
	kind, size := uint64(head>>4), uint64(head&0xf)
	if kind == headExtended {
		kind = r.uvarint(math.MaxUint32)
		r.require(kind >= headExtended)
	}
	if size == headExtended {
		size = r.uvarint(MaxSize)
		r.require(size >= headExtended)
	}
	v := reader{b: r.take(int(size))}
	r.require(kind > *last)
	*last = kind
	if r.bad {
		return 0, reader{bad: true}
	}
	return kind, v
}
