// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/transport"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
)

// TestBadDatagramsOfAPeerAreToldOnceInAWhile, each kind by itself, and nothing moves.
func TestBadDatagramsOfAPeerAreToldOnceInAWhile(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		b := w.start(nodeB, nil)
		peer := w.asker(nodeA, keyLine)
		receiver := wire.Receiver{Cluster: "web", Node: nodeA, Peers: []string{nodeB}, Keys: *peer.keys}
		sequence, echo := uint64(0), election.Mark{}
		part := func(again bool, vrids ...uint8) {
			if !again {
				sequence++
			}
			var m wire.Message
			for p := (transport.Packet{}); peer.socket.Poll(&p); {
				if receiver.Decode(p.Data, &m) == election.ReasonNone && m.Kind == wire.KindAdvert {
					echo = election.Mark{Session: m.Advert.Session, Sequence: m.Advert.Sequence}
				}
			}
			a := election.Advert{
				Cluster: "web", From: nodeA, FromAddress: privates[nodeA].Addr(), To: nodeB, Session: 9, Sequence: sequence, Interval: interval,
				Total: 3, Echo: echo,
			}
			for _, v := range vrids {
				a.Groups = append(a.Groups, election.GroupAdvert{VRID: v, Role: election.Backup, Priority: 100, Flags: election.FlagHealthy | election.FlagCanClaim})
			}
			datagram, err := wire.AppendAdvert(nil, &a, peer.keys)
			w.must(err)
			w.must(peer.socket.Send(privates[nodeB], netip.Addr{}, datagram))
		}
		for range 20 {
			part(false, 51)
			part(true, 51, 60)
			w.must(peer.socket.Send(privates[nodeB], netip.Addr{}, append([]byte{wire.Version - 1}, make([]byte, 100)...)))
			w.must(peer.socket.Send(privates[nodeB], netip.Addr{}, []byte{wire.Version}))
			w.pass(interval)
		}
		for _, reason := range []string{"bad-version", "malformed", "unknown-group"} {
			if got := strings.Count(b.log.lines(0), "refused; nothing moves for them\" peer=lb-a reason="+reason+" "); got != 1 {
				t.Errorf("%s is told %d times", reason, got)
			}
		}
		w.pass(complainEvery)
		w.must(peer.socket.Send(privates[nodeB], netip.Addr{}, []byte{wire.Version - 1}))
		w.pass(time.Second)
		if got := strings.Count(b.log.lines(0), "peer=lb-a reason=bad-version"); got != 2 {
			t.Errorf("it is told %d times in all", got)
		}
	})
}
