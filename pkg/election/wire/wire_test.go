// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"bytes"
	"encoding/base64"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/pkg/election"
)

// keyLine is a line of a key file: 32 bytes counting up from first.
func keyLine(first byte) string {
	var secret [keySize]byte
	for i := range secret {
		secret[i] = first + byte(i)
	}
	return base64.StdEncoding.EncodeToString(secret[:])
}

// ring parses the keys that begin with the given bytes.
func ring(t testing.TB, firsts ...byte) Keyring {
	t.Helper()
	var file bytes.Buffer
	for _, f := range firsts {
		file.WriteString(keyLine(f) + "\n")
	}
	k, err := ParseKeyring(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// receiver is lb-b of the cluster web, to whom the examples are sent.
func receiver(t testing.TB) *Receiver {
	return &Receiver{Cluster: "web", Node: "lb-b", Peers: []string{"lb-a", "lb-c"}, Keys: ring(t, 0)}
}

// minimalAdvert has nothing that can be left out.
func minimalAdvert() *election.Advert {
	return &election.Advert{
		Cluster: "web", From: "lb-a", FromAddress: netip.MustParseAddr("10.0.4.20"), To: "lb-b",
		Session: 0x1122334455667788, Sequence: 1, Interval: time.Second,
	}
}

// fullAdvert has every field and every item.
func fullAdvert() *election.Advert {
	a := minimalAdvert()
	a.Sequence = 300
	a.Uptime = 90 * time.Second
	a.Echo = election.Mark{Session: 0x8877665544332211, Sequence: 7}
	a.Hello = election.Mark{Session: 0x0102030405060708, Sequence: 2}
	a.Targets = []election.NodeTarget{{Provider: "digitalocean", Target: "289794365"}}
	a.Groups = []election.GroupAdvert{{
		VRID: 51, Digest: 0xdeadbeef, Role: election.Active, Priority: 110,
		Term:     election.Term{Number: 4, Node: "lb-a"},
		Flags:    election.FlagHealthy | election.FlagCanClaim | election.FlagBound | election.FlagSticky,
		Reason:   election.ReasonHandoverRunning,
		Request:  election.Request{Kind: election.RequestTake, ID: 9},
		Handover: election.Handover{To: "lb-b", ID: 8, Remaining: 15 * time.Second},
		Owner: election.OwnerReport{
			Owner: election.Owner{Kind: election.OwnerNode, Node: "lb-a"},
			Age:   250 * time.Millisecond, UnboundAge: 3 * time.Second,
		},
		Probe: election.ProbeReport{AnsweredBy: "lb-b", Age: 900 * time.Millisecond},
		Relay: []election.Relay{{Node: "lb-c", Age: 400 * time.Millisecond, Role: election.Backup, Healthy: true}},
	}, {
		VRID: 52, Digest: 1, Role: election.Fault, Priority: 0, Flags: election.FlagDraining,
		Reason: election.ReasonCheckFailed, Owner: election.OwnerReport{Owner: election.Owner{Kind: election.OwnerForeign}},
	}}
	a.Total = 2
	return a
}

// steadyAdvert is what a backup with so many groups sends while nothing happens.
func steadyAdvert(groups int) *election.Advert {
	a := minimalAdvert()
	a.From, a.To = "node-aaa", "node-bbb"
	a.Sequence, a.Uptime = 2_000_000, 30*24*time.Hour
	a.Echo = election.Mark{Session: 0x8877665544332211, Sequence: 2_000_000}
	a.Targets = []election.NodeTarget{{Provider: "digitalocean", Target: "289794365"}}
	a.Total = uint8(groups)
	for i := range groups {
		a.Groups = append(a.Groups, election.GroupAdvert{
			VRID: uint8(i + 1), Digest: 0xdeadbeef, Role: election.Backup, Priority: 100,
			Term:   election.Term{Number: 12, Node: "node-bbb"},
			Flags:  election.FlagHealthy | election.FlagCanClaim,
			Reason: election.ReasonStarted,
			Owner:  election.OwnerReport{Owner: election.Owner{Kind: election.OwnerNode, Node: "node-aaa"}, Age: 15 * time.Second},
			Probe:  election.ProbeReport{AnsweredBy: "node-aaa", Age: 10 * time.Second},
		})
	}
	return a
}

// encode is AppendAdvert with the receiver's first key.
func encode(t testing.TB, a *election.Advert) []byte {
	t.Helper()
	k := ring(t, 0)
	b, err := AppendAdvert(nil, a, &k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// envelopeTo is the part before the body of an advert from lb-a to lb-b, for
// bodies built by hand.
func envelopeTo(t testing.TB, kind Kind) *encoder {
	k := ring(t, 0)
	e := &encoder{}
	e.begin(kind, &k, "web", "lb-a", "lb-b")
	if e.err != nil {
		t.Fatal(e.err)
	}
	return e
}

// signed returns the envelope of kind, the body, and a signature that fits.
func signed(t testing.TB, kind Kind, body []byte) []byte {
	k := ring(t, 0)
	return k.keys[0].sign(append(envelopeTo(t, kind).b, body...), 0)
}

// expect fails unless b is refused or accepted with the given reason.
func expect(t testing.TB, r *Receiver, b []byte, want election.Reason) *Message {
	t.Helper()
	var m Message
	if got := r.Decode(b, &m); got != want {
		t.Fatalf("Decode returned %q, want %q", got, want)
	}
	return &m
}

// diff compares whole values; an empty slice is as good as none.
func diff(want, got any) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }))
}
