// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// encoder appends one datagram to b, beginning at start. The first problem stays
// in err and makes the result useless; the methods need not be told.
type encoder struct {
	b     []byte
	start int
	err   error
	names [namesMax]string // of the nodes in the datagram; index 1 on the wire is names[0], the sender
	count int              // of names
}

// begin writes everything in front of the body.
func (e *encoder) begin(kind Kind, k *Keyring, cluster, from, to string) {
	e.start = len(e.b)
	if len(k.keys) == 0 {
		e.fail(errors.New("keyring is empty"))
		return
	}
	e.b = append(e.b, Version, byte(kind))
	e.b = append(e.b, k.keys[0].id[:]...)
	e.text("cluster id", cluster, nameMax)
	e.text("sender", from, nameMax)
	if kind == KindProbeRequest {
		e.byte(0) // whoever holds the address
		return
	}
	e.text("receiver", to, nameMax)
}

// finish signs the datagram and returns it behind dst, or dst as it was.
func (e *encoder) finish(dst []byte, k *Keyring, limit int) ([]byte, error) {
	if e.err != nil {
		return dst, e.err
	}
	if size := len(e.b) - e.start + tagSize; size > limit {
		return dst, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, limit)
	}
	return k.keys[0].sign(e.b, e.start), nil
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func (e *encoder) byte(v byte) { e.b = append(e.b, v) }

func (e *encoder) uvarint(v uint64) { e.b = binary.AppendUvarint(e.b, v) }

// number writes a sequence number or a term.
func (e *encoder) number(what string, v, limit uint64) {
	if v > limit {
		e.fail(fmt.Errorf("%s %d is above %d", what, v, limit))
	}
	e.uvarint(v)
}

// age writes a time that has passed, rounded up to milliseconds so that nothing
// ever looks fresher than it is.
func (e *encoder) age(d time.Duration) {
	e.uvarint(ceilMillis(min(max(d, 0), ageMax)))
}

func ceilMillis(d time.Duration) uint64 {
	return uint64((d + time.Millisecond - 1) / time.Millisecond)
}

func (e *encoder) text(what, s string, max int) {
	if !validText(s, max) {
		e.fail(fmt.Errorf("%s %q is not 1 to %d printable ASCII characters without spaces", what, s, max))
		return
	}
	e.byte(byte(len(s)))
	e.b = append(e.b, s...)
}

// validText reports whether s may stand in a datagram. What is refused here can
// neither forge a log line nor look like another name.
func validText[T string | []byte](s T, max int) bool {
	if len(s) == 0 || len(s) > max {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func (e *encoder) address(a netip.Addr) {
	if !validAddress(a) {
		e.fail(fmt.Errorf("sender address %q is not a plain IPv4 or IPv6 address", a))
		return
	}
	b := a.As16()
	raw := b[:]
	if a.Is4() {
		raw = b[12:]
	}
	e.byte(byte(len(raw)))
	e.b = append(e.b, raw...)
}

// validAddress excludes the forms in which one address has two spellings.
func validAddress(a netip.Addr) bool {
	return a.IsValid() && !a.Is4In6() && a.Zone() == ""
}

func (e *encoder) session(v uint64) {
	if v == 0 {
		e.fail(errors.New("session is zero"))
	}
	e.b = binary.BigEndian.AppendUint64(e.b, v)
}

// sequence writes the number of a datagram; they start at 1.
func (e *encoder) sequence(v uint64) {
	if v == 0 {
		e.fail(errors.New("sequence is zero"))
	}
	e.number("sequence", v, numberMax)
}

func (e *encoder) role(r election.Role) {
	if !r.Valid() {
		e.fail(fmt.Errorf("role %d is unknown", r))
	}
}

// node returns the index of a node name, which it adds to the table if needed;
// 0 stands for no node.
func (e *encoder) node(name string) byte {
	if name == "" {
		return 0
	}
	i := slices.Index(e.names[:e.count], name)
	if i < 0 {
		if e.count == namesMax {
			e.fail(fmt.Errorf("more than %d node names in one datagram", namesMax))
			return 0
		}
		i = e.count
		e.names[i] = name
		e.count++
	}
	return byte(i + 1)
}

// item closes the item whose value began at start by putting its head in front.
// The types of this version are all below headExtended.
func (e *encoder) item(kind byte, start int) {
	var room [headMaxSize]byte
	n := len(e.b) - start
	head := append(room[:0], kind<<4|byte(min(n, headExtended)))
	if n >= headExtended {
		head = binary.AppendUvarint(head, uint64(n))
	}
	e.insert(start, head)
}

// prefix puts the length of what was written since start in front of it.
func (e *encoder) prefix(start int) {
	var room [headMaxSize]byte
	e.insert(start, binary.AppendUvarint(room[:0], uint64(len(e.b)-start)))
}

// insert moves what was written since start and puts head in front of it.
func (e *encoder) insert(start int, head []byte) {
	end := len(e.b)
	e.b = append(e.b, head...)
	copy(e.b[start+len(head):], e.b[start:end])
	copy(e.b[start:], head)
}
