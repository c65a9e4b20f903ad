// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"bytes"
	"slices"
	"testing"

	"github.com/fipctl/fipctl/pkg/election"
)

// RFC 9568 section 7.1 fixes the order of the checks on arrival; these are ours
// in their order. Each datagram fails its check and, where that is possible, all
// later ones too, so that a check in the wrong place shows.
func TestTheFirstCheckThatFailsNamesTheRefusal(t *testing.T) {
	t.Parallel()
	advert := func(change func(*election.Advert)) []byte {
		a := fullAdvert()
		change(a)
		b := encode(t, a)
		b[len(b)-1] ^= 1 // the signature never fits
		return b
	}
	unknownKey := func(b []byte) []byte { b[2] ^= 1; return b }
	cases := []struct {
		name     string
		datagram []byte
		want     election.Reason
		from     string
	}{
		{"another version, even if far too long", append([]byte{Version - 1}, make([]byte, 2*MaxSize)...), election.ReasonBadVersion, ""},
		{"nothing", nil, election.ReasonMalformed, ""},
		{"one byte more than allowed", append([]byte{Version, 1}, make([]byte, MaxSize-1)...), election.ReasonMalformed, ""},
		{"no room for a signature", bytes.Repeat([]byte{Version}, prefixSize+tagSize-1), election.ReasonMalformed, ""},
		{"a kind of a later version", append([]byte{Version, 4}, encode(t, fullAdvert())[2:]...), election.ReasonMalformed, ""},
		{"another cluster", unknownKey(advert(func(a *election.Advert) { a.Cluster, a.From, a.To = "db", "x", "y" })), election.ReasonWrongCluster, ""},
		{"a node that is not configured", unknownKey(advert(func(a *election.Advert) { a.From, a.To = "x", "y" })), election.ReasonUnknownSender, ""},
		{"this node's own name", advert(func(a *election.Advert) { a.From, a.To = "lb-b", "lb-a" }), election.ReasonWrongReceiver, "lb-b"},
		{"meant for another node", unknownKey(advert(func(a *election.Advert) { a.To = "lb-c" })), election.ReasonWrongReceiver, "lb-a"},
		{"a key this node does not have", unknownKey(advert(func(*election.Advert) {})), election.ReasonUnknownKey, "lb-a"},
		{"a signature that does not fit", advert(func(*election.Advert) {}), election.ReasonBadSignature, "lb-a"},
		{"a signed body that is not well formed", signed(t, KindAdvert, []byte{0}), election.ReasonMalformed, "lb-a"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := expect(t, receiver(t), c.datagram, c.want)
			if m.From != c.from {
				t.Errorf("claimed sender %q, want %q", m.From, c.from)
			}
		})
	}
}

// Nothing but its size is wrong with it.
func TestASignedDatagramAboveTheLimitIsMalformed(t *testing.T) {
	t.Parallel()
	fits := plainAdvert()
	b := signed(t, KindAdvert, fits.body())
	fits.items = item(9, make([]byte, MaxSize-len(b)-3)...)
	if b = signed(t, KindAdvert, fits.body()); len(b) != MaxSize {
		t.Fatalf("built %d bytes", len(b))
	}
	expect(t, receiver(t), b, election.ReasonNone)
	fits.items = item(9, make([]byte, len(fits.items)-3+1)...)
	expect(t, receiver(t), signed(t, KindAdvert, fits.body()), election.ReasonMalformed)
}

func TestAMalformedDatagramThatIsSignedIsAPeersMistake(t *testing.T) {
	t.Parallel()
	if m := expect(t, receiver(t), signed(t, KindAdvert, []byte{0}), election.ReasonMalformed); !m.Signed {
		t.Error("Signed is not set")
	}
	b := encode(t, fullAdvert())
	b[len(b)-1] ^= 1
	if m := expect(t, receiver(t), b, election.ReasonBadSignature); m.Signed {
		t.Error("Signed is set on a bad signature")
	}
}

func TestARefusalLeavesNothingOfAnEarlierSender(t *testing.T) {
	t.Parallel()
	var m Message
	r := receiver(t)
	if got := r.Decode(encode(t, fullAdvert()), &m); got != election.ReasonNone {
		t.Fatal(got)
	}
	r.Decode([]byte{9}, &m)
	if m.From != "" || m.Signed || m.Kind != 0 || m.KeyID != [4]byte{} {
		t.Errorf("left over: %q, signed %v, kind %v, key %x", m.From, m.Signed, m.Kind, m.KeyID)
	}
}

func TestADatagramCutShortAnywhereIsRefused(t *testing.T) {
	t.Parallel()
	for _, b := range examples(t) {
		for n := range b {
			var m Message
			if got := receiver(t).Decode(b[:n], &m); got == election.ReasonNone {
				t.Fatalf("%d of %d bytes were accepted", n, len(b))
			}
		}
	}
}

func TestAChangeOfAnySingleBitIsRefused(t *testing.T) {
	t.Parallel()
	r := receiver(t)
	for _, b := range examples(t) {
		for i := range len(b) * 8 {
			changed := slices.Clone(b)
			changed[i/8] ^= 1 << (i % 8)
			var m Message
			if got := r.Decode(changed, &m); got == election.ReasonNone {
				t.Fatalf("accepted with bit %d of byte %d changed", i%8, i/8)
			}
		}
	}
}

// A body cut short and signed afterwards shows that the reader itself sees the
// end, without the help of the signature.
func TestASignedBodyCutShortIsMalformedOrHasFewerItems(t *testing.T) {
	t.Parallel()
	start := len(envelopeTo(t, KindAdvert).b)
	full := encode(t, fullAdvert())
	body := full[start : len(full)-tagSize]
	accepted := 0
	for n := range body {
		var m Message
		switch got := receiver(t).Decode(signed(t, KindAdvert, body[:n]), &m); got {
		case election.ReasonNone:
			accepted++
		case election.ReasonMalformed:
		default:
			t.Fatalf("%d of %d bytes: %q", n, len(body), got)
		}
	}
	// Nothing, echo, echo and hello, and those with targets end where an item ends.
	if accepted != 4 {
		t.Errorf("%d prefixes were accepted, want 4", accepted)
	}
}

func TestRotatingAKeyLosesNoDatagram(t *testing.T) {
	t.Parallel()
	// The three steps on each of two nodes, in any interleaving of neighbours.
	steps := []Keyring{ring(t, 0), ring(t, 0, 100), ring(t, 100, 0), ring(t, 100)}
	for i := range steps {
		for j := max(0, i-1); j < min(len(steps), i+2); j++ {
			b, err := AppendAdvert(nil, minimalAdvert(), &steps[i])
			if err != nil {
				t.Fatal(err)
			}
			r := receiver(t)
			r.Keys = steps[j]
			expect(t, r, b, election.ReasonNone)
		}
	}
	b, err := AppendAdvert(nil, minimalAdvert(), &steps[3])
	if err != nil {
		t.Fatal(err)
	}
	r := receiver(t)
	r.Keys = steps[0]
	if m := expect(t, r, b, election.ReasonUnknownKey); m.KeyID != steps[3].keys[0].id {
		t.Errorf("key id %x, want %x", m.KeyID, steps[3].keys[0].id)
	}
}

func TestTwoKeysWithTheSameIDAreBothTried(t *testing.T) {
	t.Parallel()
	r := receiver(t)
	r.Keys = ring(t, 100, 0)
	r.Keys.keys[0].id = r.Keys.keys[1].id
	expect(t, r, encode(t, minimalAdvert()), election.ReasonNone)
}

// examples are one valid datagram of each kind, addressed to receiver.
func examples(t testing.TB) map[Kind][]byte {
	k := ring(t, 0)
	request, err := AppendProbeRequest(nil, exampleRequest(), &k)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := AppendProbeReply(nil, exampleReply(), &k, len(request))
	if err != nil {
		t.Fatal(err)
	}
	return map[Kind][]byte{KindAdvert: encode(t, fullAdvert()), KindProbeRequest: request, KindProbeReply: reply}
}
