// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/election"
)

func exampleRequest() *ProbeRequest {
	return &ProbeRequest{
		Cluster: "web", From: "lb-a", Session: 0x1122334455667788, Sequence: 5,
		Nonce: [16]byte{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf},
		VRIDs: []uint8{51, 52},
	}
}

func exampleReply() *ProbeReply {
	return &ProbeReply{
		Cluster: "web", From: "lb-a", To: "lb-b", Session: 0x99aabbccddeeff01, Nonce: exampleRequest().Nonce,
		Groups: []ProbeGroup{{VRID: 51, Role: election.Active, Healthy: true}, {VRID: 52, Role: election.Fault}},
	}
}

func TestProbesComeBackAsTheyWereSent(t *testing.T) {
	t.Parallel()
	b := examples(t)
	m := expect(t, receiver(t), b[KindProbeRequest], election.ReasonNone)
	if d := diff(exampleRequest(), &m.Request); d != "" || m.Kind != KindProbeRequest {
		t.Errorf("kind %v, sent (-) and received (+) differ:\n%s", m.Kind, d)
	}
	m = expect(t, receiver(t), b[KindProbeReply], election.ReasonNone)
	if d := diff(exampleReply(), &m.Reply); d != "" || m.Kind != KindProbeReply {
		t.Errorf("kind %v, sent (-) and received (+) differ:\n%s", m.Kind, d)
	}
}

func TestAProbeMayReachTheNodeThatSentIt(t *testing.T) {
	t.Parallel()
	r := receiver(t)
	r.Node, r.Peers = "lb-a", []string{"lb-b"}
	if m := expect(t, r, examples(t)[KindProbeRequest], election.ReasonNone); m.From != "lb-a" {
		t.Errorf("from %q", m.From)
	}
}

func TestAProbeReplyForAnotherNodeIsRefused(t *testing.T) {
	t.Parallel()
	r := receiver(t)
	r.Node = "lb-c"
	expect(t, r, examples(t)[KindProbeReply], election.ReasonWrongReceiver)
}

// The reply with the longest name and every group that was asked about fits, so
// an honest question is never left without an answer, and a forged one gains
// nothing.
func TestAReplyIsNeverLongerThanItsRequest(t *testing.T) {
	t.Parallel()
	k := ring(t, 0)
	for _, asked := range []int{0, 1, 2, 8, 200, 255} {
		q := exampleRequest()
		q.VRIDs = nil
		for v := range asked {
			q.VRIDs = append(q.VRIDs, uint8(v+1))
		}
		request, err := AppendProbeRequest(nil, q, &k)
		if err != nil {
			t.Fatal(err)
		}
		p := exampleReply()
		p.From, p.To, p.Groups = strings.Repeat("n", nameMax), q.From, nil
		for v := range max(asked, 1+254*(1-min(asked, 1))) {
			p.Groups = append(p.Groups, ProbeGroup{VRID: uint8(v + 1), Role: election.Drained})
		}
		reply, err := AppendProbeReply(nil, p, &k, len(request))
		if err != nil {
			t.Errorf("%d groups asked: %v", asked, err)
		}
		if len(reply) > len(request) {
			t.Errorf("%d groups asked: reply of %d bytes to a request of %d", asked, len(reply), len(request))
		}
		if _, err := AppendProbeReply(nil, p, &k, len(reply)-1); err == nil {
			t.Errorf("%d groups asked: a reply longer than its request was encoded", asked)
		}
	}
}

func TestASignatureOfOneKindDoesNotFitAnother(t *testing.T) {
	t.Parallel()
	for kind, b := range examples(t) {
		for _, other := range []Kind{KindAdvert, KindProbeRequest, KindProbeReply} {
			changed := slices.Clone(b)
			changed[1] = byte(other)
			var m Message
			if got := receiver(t).Decode(changed, &m); other != kind && got == election.ReasonNone {
				t.Errorf("%v passes as %v", kind, other)
			}
		}
	}
}

func TestMalformedProbesAreRefused(t *testing.T) {
	t.Parallel()
	session, nonce := []byte{0, 0, 0, 0, 0, 0, 0, 1}, make([]byte, nonceSize)
	start, answer := slices.Concat(session, []byte{1}, nonce), slices.Concat(session, nonce)
	cases := []struct {
		name string
		kind Kind
		body []byte
	}{
		{"request without session", KindProbeRequest, slices.Concat(make([]byte, 8), []byte{1}, nonce)},
		{"request without sequence", KindProbeRequest, slices.Concat(session, []byte{0}, nonce)},
		{"request with half a nonce", KindProbeRequest, start[:16]},
		{"request for no group", KindProbeRequest, append(slices.Clone(start), 0x10)},
		{"request for VRID 0", KindProbeRequest, append(slices.Clone(start), 0x11, 0)},
		{"request for a VRID twice", KindProbeRequest, append(slices.Clone(start), 0x12, 7, 7)},
		{"request with empty padding", KindProbeRequest, append(slices.Clone(start), 0xe0)},
		{"request whose padding is not zero", KindProbeRequest, append(slices.Clone(start), 0xe2, 0, 1)},
		{"reply without session", KindProbeReply, slices.Concat(make([]byte, 8), nonce)},
		{"reply with half a nonce", KindProbeReply, answer[:16]},
		{"reply for no group", KindProbeReply, append(slices.Clone(answer), 0x10)},
		{"reply with half a group", KindProbeReply, append(slices.Clone(answer), 0x11, 7)},
		{"reply for VRID 0", KindProbeReply, append(slices.Clone(answer), 0x12, 0, 0)},
		{"reply for a VRID twice", KindProbeReply, append(slices.Clone(answer), 0x14, 7, 0, 7, 0)},
		{"reply with an unknown role", KindProbeReply, append(slices.Clone(answer), 0x12, 7, 10)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			expect(t, receiver(t), signed(t, c.kind, c.body), election.ReasonMalformed)
		})
	}
	expect(t, receiver(t), signed(t, KindProbeRequest, start), election.ReasonNone)
	expect(t, receiver(t), signed(t, KindProbeReply, answer), election.ReasonNone)
}

func TestAProbeRequestThatNamesAReceiverIsMalformed(t *testing.T) {
	t.Parallel()
	k := ring(t, 0)
	e := envelopeTo(t, KindProbeRequest)
	e.b[len(e.b)-1] = 1 // the length of the receiver's name
	body := append(e.b, bytes.Repeat([]byte{1}, sessionSize+nonceSize)...)
	expect(t, receiver(t), k.keys[0].sign(body, 0), election.ReasonMalformed)
}

func TestAProbeThatCannotBeSentIsAnError(t *testing.T) {
	t.Parallel()
	k := ring(t, 0)
	requests := map[string]func(*ProbeRequest){
		"session is zero":               func(p *ProbeRequest) { p.Session = 0 },
		"VRID 0 is zero or named twice": func(p *ProbeRequest) { p.VRIDs = []uint8{0} },
		"VRID 7 is zero or named twice": func(p *ProbeRequest) { p.VRIDs = []uint8{7, 7} },
		`cluster id "a b" is not 1 to 63 printable ASCII characters without spaces`: func(p *ProbeRequest) { p.Cluster = "a b" },
	}
	for want, change := range requests {
		p := exampleRequest()
		change(p)
		b, err := AppendProbeRequest([]byte("x"), p, &k)
		if want = "encode probe request: " + want; err == nil || err.Error() != want || string(b) != "x" {
			t.Errorf("got %q, %v; want %s", b, err, want)
		}
	}
	replies := map[string]func(*ProbeReply){
		"session is zero":               func(p *ProbeReply) { p.Session = 0 },
		"role 9 is unknown":             func(p *ProbeReply) { p.Groups[0].Role = 9 },
		"VRID 0 is zero or named twice": func(p *ProbeReply) { p.Groups[0].VRID = 0 },
	}
	for want, change := range replies {
		p := exampleReply()
		change(p)
		b, err := AppendProbeReply([]byte("x"), p, &k, MaxSize)
		if want = `encode probe reply to "lb-b": ` + want; err == nil || err.Error() != want || string(b) != "x" {
			t.Errorf("got %q, %v; want %s", b, err, want)
		}
	}
}

func TestTheKeyIDIsTheStartOfTheKeysHash(t *testing.T) {
	t.Parallel()
	secret := make([]byte, keySize)
	for i := range secret {
		secret[i] = byte(i)
	}
	sum := sha256.Sum256(secret)
	if got := encode(t, minimalAdvert())[2:6]; !bytes.Equal(got, sum[:4]) {
		t.Errorf("key id %x, want %x", got, sum[:4])
	}
}
