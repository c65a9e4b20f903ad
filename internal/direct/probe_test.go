// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
)

func keys(t *testing.T) wire.Keyring {
	t.Helper()
	key, err := wire.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := wire.ParseKeyring([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// daemon answers probes on a real socket with what reply makes of each request.
func daemon(t *testing.T, receiver wire.Receiver, reply func(wire.ProbeRequest, int) [][]byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-ended })
	go func() {
		defer close(ended)
		buffer := make([]byte, wire.MaxSize+1)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			var m wire.Message
			if receiver.Decode(buffer[:n], &m) != election.ReasonNone {
				continue
			}
			for _, b := range reply(m.Request, n) {
				_, _ = conn.WriteToUDPAddrPort(b, from)
			}
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestProbe(t *testing.T) {
	t.Parallel()
	ours, theirs := keys(t), keys(t)
	here := wire.Receiver{Cluster: "web", Node: "lb-b", Peers: []string{"lb-a"}, Keys: ours}
	there := wire.Receiver{Cluster: "web", Node: "lb-a", Peers: []string{"lb-b"}, Keys: ours}
	groups := []wire.ProbeGroup{{VRID: 51, Role: election.Active, Healthy: true}}
	answer := func(ring wire.Keyring, nonce [16]byte, size int) []byte {
		b, err := wire.AppendProbeReply(nil, &wire.ProbeReply{Cluster: "web", From: "lb-a", To: "lb-b", Session: 9, Nonce: nonce, Groups: groups}, &ring, size)
		if err != nil {
			t.Error(err)
		}
		return b
	}
	for _, tt := range []struct {
		name  string
		reply func(wire.ProbeRequest, int) [][]byte
		want  Answer
		err   string
	}{
		{"a daemon says who it is", func(r wire.ProbeRequest, n int) [][]byte { return [][]byte{answer(ours, r.Nonce, n)} },
			Answer{Node: "lb-a", Groups: groups}, ""},
		{"a reply to another request is skipped", func(r wire.ProbeRequest, n int) [][]byte {
			return [][]byte{answer(ours, [16]byte{1}, n), answer(ours, r.Nonce, n)}
		}, Answer{Node: "lb-a", Groups: groups}, ""},
		{"only replies to other requests are silence", func(_ wire.ProbeRequest, n int) [][]byte { return [][]byte{answer(ours, [16]byte{1}, n)} },
			Answer{}, "no answer"},
		{"a daemon with another key is not taken for silence", func(r wire.ProbeRequest, n int) [][]byte { return [][]byte{answer(theirs, r.Nonce, n)} },
			Answer{}, "something answers, but signed with a key this node does not have (unknown-key)"},
		{"a daemon that says nothing is silent", func(wire.ProbeRequest, int) [][]byte { return nil }, Answer{}, "no answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			to := daemon(t, there, tt.reply)
			got, err := (&UDPProber{Receiver: here, Rand: rand.Reader}).Probe(t.Context(), to)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("error %v", err)
			case tt.err != "" && (err == nil || !strings.HasSuffix(err.Error(), tt.err)):
				t.Errorf("error %v, want it to end with %q", err, tt.err)
			case errors.Is(err, ErrSilent) != (tt.err == "no answer"):
				t.Errorf("error %v is taken for silence: %v", err, errors.Is(err, ErrSilent))
			}
		})
	}
}

func TestProbeOfAClosedPortIsSilence(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	to := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	conn.Close()
	p := &UDPProber{Receiver: wire.Receiver{Cluster: "web", Node: "lb-b", Keys: keys(t)}, Rand: rand.Reader}
	if _, err := p.Probe(t.Context(), to); !errors.Is(err, ErrSilent) {
		t.Errorf("error %v, want silence", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Probe(ctx, to); errors.Is(err, ErrSilent) && !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a canceled probe is taken for silence", err)
	}
}
