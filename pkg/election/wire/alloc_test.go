// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/fipctl/fipctl/pkg/election"
)

func TestTheSteadyStateDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("with the race detector sync.Pool forgets at random")
	}
	k, a, many := ring(t, 0), steadyAdvert(50), steadyAdvert(255)
	buffer := make([]byte, 0, MaxSize)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := AppendAdvert(buffer, a, &k); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("AppendAdvert allocates %v times", n)
	}
	room := make([]byte, 0, 2*MaxSize)
	if n := testing.AllocsPerRun(100, func() {
		for next := 0; next < 255; {
			var err error
			if _, next, err = AppendPart(room, many, next, &k); err != nil {
				t.Fatal(err)
			}
		}
	}); n > 0 {
		t.Errorf("AppendPart allocates %v times", n)
	}
	b := encode(t, a)
	r := &Receiver{Cluster: "web", Node: "node-bbb", Peers: []string{"node-aaa"}, Keys: k}
	var m Message
	if n := testing.AllocsPerRun(100, func() {
		if reason := r.Decode(b, &m); reason != election.ReasonNone {
			t.Fatal(reason)
		}
	}); n > 0 {
		t.Errorf("Decode allocates %v times", n)
	}
}

// A datagram full of the smallest possible records is the worst an honest key
// can do to a receiver's memory.
func TestDecodingAllocatesNoMoreThanAMultipleOfTheDatagram(t *testing.T) {
	g := plainGroup()
	var records []byte
	for v := byte(1); len(records) < 1050; v++ {
		g.vrid[0] = v
		records = append(records, g.record()...)
	}
	raw := plainAdvert()
	raw.items = item(itemGroups, records...)
	b := signed(t, KindAdvert, raw.body())
	r := receiver(t)

	var before, after runtime.MemStats
	var m Message
	runtime.ReadMemStats(&before)
	reason := r.Decode(b, &m)
	runtime.ReadMemStats(&after)
	if reason != election.ReasonNone {
		t.Fatal(reason)
	}
	// A record of 14 bytes becomes one GroupAdvert; growing the slice by
	// doubling costs three times its final size at most.
	limit := uint64(3*len(records)/14)*uint64(unsafe.Sizeof(election.GroupAdvert{})) + 16<<10
	if got := after.TotalAlloc - before.TotalAlloc; got > limit {
		t.Errorf("%d bytes were allocated for %d, at most %d are allowed", got, len(b), limit)
	}
}

func BenchmarkAppendAdvert(b *testing.B) {
	for name, a := range benchAdverts() {
		b.Run(name, func(b *testing.B) {
			k := ring(b, 0)
			buffer := make([]byte, 0, MaxSize)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := AppendAdvert(buffer, a, &k); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, a := range benchAdverts() {
		b.Run(name, func(b *testing.B) {
			datagram := encode(b, a)
			r := &Receiver{Cluster: a.Cluster, Node: a.To, Peers: []string{a.From}, Keys: ring(b, 0)}
			var m Message
			b.ReportAllocs()
			for b.Loop() {
				if reason := r.Decode(datagram, &m); reason != election.ReasonNone {
					b.Fatal(reason)
				}
			}
		})
	}
}

func benchAdverts() map[string]*election.Advert {
	return map[string]*election.Advert{"1 group": steadyAdvert(1), "50 groups": steadyAdvert(50)}
}
