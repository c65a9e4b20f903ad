// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"bytes"
	"testing"

	"github.com/fipctl/fipctl/pkg/election"
)

// FuzzDecode takes the body of an advert, which it signs so that the code behind
// the signature is reached. What is accepted must survive another round.
func FuzzDecode(f *testing.F) {
	start := len(envelopeTo(f, KindAdvert).b)
	for _, a := range []*election.Advert{minimalAdvert(), fullAdvert()} {
		b := encode(f, a)
		f.Add(b[start : len(b)-tagSize])
	}
	k, r := ring(f, 0), receiver(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var m, again Message
		if r.Decode(body, &m); m.Signed {
			t.Fatal("the fuzzer forged a signature")
		}
		if r.Decode(signed(t, KindAdvert, body), &m) != election.ReasonNone {
			return
		}
		b, err := AppendAdvert(nil, &m.Advert, &k)
		if err != nil {
			t.Fatalf("accepted, but cannot be sent: %v\n%+v", err, m.Advert)
		}
		if reason := r.Decode(b, &again); reason != election.ReasonNone {
			t.Fatalf("refused as %q after another round", reason)
		}
		if d := diff(m.Advert, again.Advert); d != "" {
			t.Fatalf("first (-) and second (+) round differ:\n%s", d)
		}
	})
}

// FuzzParts has so many groups, of records whose length the fuzzer chooses, that they
// travel in several parts; what is put together of them must be what was sent.
func FuzzParts(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint8(3))
	f.Add([]byte("every byte is a record with as many items"), uint8(255))
	f.Fuzz(func(t *testing.T, shapes []byte, total uint8) {
		a := minimalAdvert()
		for i, s := range shapes[:min(len(shapes), int(total))] {
			g := election.GroupAdvert{VRID: uint8(i + 1), Role: election.Backup, Digest: uint32(s)}
			if s&1 != 0 {
				g.Term = election.Term{Number: 1 << (s % 48), Node: "node-" + string('a'+rune(s%26))}
			}
			if s&2 != 0 {
				g.Request = election.Request{Kind: election.RequestTake, ID: 1 << (s % 64)}
			}
			if s&4 != 0 {
				g.Probe = election.ProbeReport{AnsweredBy: "lb-b"}
			}
			a.Groups = append(a.Groups, g)
		}
		a.Total = total
		if d := diff(a, joined(t, a, parts(t, a))); d != "" {
			t.Fatalf("sent (-) and received (+) differ:\n%s", d)
		}
	})
}

// FuzzProbe does the same for the bodies of requests and replies.
func FuzzProbe(f *testing.F) {
	for kind, b := range examples(f) {
		if kind != KindAdvert {
			f.Add(kind == KindProbeReply, b[len(envelopeTo(f, kind).b):len(b)-tagSize])
		}
	}
	k, r := ring(f, 0), receiver(f)
	f.Fuzz(func(t *testing.T, reply bool, body []byte) {
		var m, again Message
		kind := KindProbeRequest
		if reply {
			kind = KindProbeReply
		}
		datagram := signed(t, kind, body)
		if r.Decode(datagram, &m) != election.ReasonNone {
			return
		}
		b, err := AppendProbeRequest(nil, &m.Request, &k)
		if reply {
			b, err = AppendProbeReply(nil, &m.Reply, &k, len(datagram))
		}
		if err != nil {
			t.Fatalf("accepted, but cannot be sent: %v", err)
		}
		if reason := r.Decode(b, &again); reason != election.ReasonNone {
			t.Fatalf("refused as %q after another round", reason)
		}
		if d := diff(m.Request, again.Request) + diff(m.Reply, again.Reply); d != "" {
			t.Fatalf("first (-) and second (+) round differ:\n%s", d)
		}
	})
}

// FuzzKeyring looks for a key file whose error shows what stands in it.
func FuzzKeyring(f *testing.F) {
	f.Add([]byte(keyLine(0)))
	f.Add([]byte("# comment\n" + keyLine(1) + "\n" + keyLine(2)[:20]))
	f.Fuzz(func(t *testing.T, file []byte) {
		_, err := ParseKeyring(file)
		for line := range bytes.Lines(file) {
			line = bytes.TrimSpace(line)
			if err != nil && len(line) > 20 && bytes.Contains([]byte(err.Error()), line) {
				t.Fatalf("%q shows in %v", line, err)
			}
		}
	})
}
