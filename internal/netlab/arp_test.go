// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheFabricAnswersForTheWholeSubnet(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.holders[floating] = 0
	nobody, unspecified := netip.MustParseAddr("10.0.4.77"), netip.MustParseAddr("0.0.0.0")
	tests := []struct {
		name           string
		from           Station
		sender, target netip.Addr
		answered       bool
	}{
		{"for another node", 0, node0, node1, true},
		{"for an address that nobody has", 0, node0, nobody, true},
		{"for the gateway", 0, node0, netip.MustParseAddr("10.0.4.1"), true},
		{"for a floating address of another node", 1, node1, floating, true},
		{"to a probe for an address of somebody else", 1, unspecified, floating, true},
		{"but not to a probe for the asker's own address", 0, unspecified, node0, false},
		{"but not to a probe for a floating address that the asker holds", 0, unspecified, floating, false},
		{"but not outside the subnet", 0, node0, internet, false},
		{"for anything, to the client, who has no gateway", Client, internet, public, true},
		{"for anything, to the services, which have none", Metadata, metadata0, node0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVPC(t, c, internet)
			got := v.handle(tt.from, asked(v, tt.from, arpRequest, tt.sender, tt.target))
			if !tt.answered {
				if got.frame != nil || got.dropped != UnansweredARP {
					t.Errorf("got %+v, want nothing because of %q", got, UnansweredARP)
				}
				return
			}
			own := v.mac(tt.from)
			want := slices.Concat(own[:], gatewayMAC[:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 2},
				gatewayMAC[:], tt.target.AsSlice(), own[:], tt.sender.AsSlice())
			if diff := cmp.Diff(frame(want), got.frame); diff != "" || got.to != tt.from {
				t.Errorf("answer to %s (-want +got):\n%s", got.to, diff)
			}
		})
	}
}

func TestAnAnnouncementMovesNothingByItself(t *testing.T) {
	t.Parallel()
	ordinary := netip.MustParseAddr("10.0.4.98")
	tests := []struct {
		name      string
		operation int
		from      Station
		ip        netip.Addr
		heeded    bool
		told      bool // the cloud
	}{
		{"as a request, of an address that moves so", arpRequest, 1, floating, true, true},
		{"as a reply, of an address that moves so", arpReply, 1, floating, true, true},
		{"as a request, of another floating address", arpRequest, 1, ordinary, false, true},
		{"as a reply, of another floating address", arpReply, 1, ordinary, false, true},
		{"of another node's own address", arpReply, 1, node0, false, true},
		{"of the node's own address", arpRequest, 1, node1, false, true},
		{"by the client", arpRequest, Client, floating, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud()
			c.heeds[floating] = true
			c.holders[floating], c.holders[ordinary] = 0, 0
			v := newVPC(t, c, inside)
			got := v.handle(tt.from, asked(v, tt.from, tt.operation, tt.ip, tt.ip))
			want := verdict{heeded: tt.heeded}
			if !tt.heeded {
				want.dropped = Announcement
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(verdict{})); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if told := len(c.announced) == 1 && <-c.announced == (announcement{tt.from, tt.ip}); told != tt.told {
				t.Errorf("the cloud was told: %t, want %t", told, tt.told)
			}
		})
	}
}

func TestARPThatIsNotHeeded(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.heeds[floating] = true
	v := newVPC(t, c, inside)
	change := func(at int, b ...byte) frame {
		f := asked(v, 0, arpReply, floating, floating)
		copy(f[at:], b)
		return f
	}
	tests := []struct {
		name string
		f    frame
		want Reason
	}{
		{"cut short", change(0)[:41], Malformed},
		{"about another protocol", change(16, 0x86, 0xdd), Malformed},
		{"of an unknown operation", change(20, 0, 3), Malformed},
		{"that names another MAC than the sender's", change(22, 2, 0, 0x5e, 0x10, 0, 2), ForeignSource},
		{"a reply that nobody asked for", change(38, 10, 0, 4, 21), Announcement},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := v.handle(0, tt.f); got.dropped != tt.want || got.heeded || got.frame != nil {
				t.Errorf("got %+v, want it dropped as %q", got, tt.want)
			}
			if len(c.announced) > 0 {
				t.Errorf("the cloud was told: %v", <-c.announced)
			}
		})
	}
}

func TestAnIsolatedNodeAnnouncesNothing(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.heeds[floating] = true
	v := newVPC(t, c, inside)
	v.links.isolate(0, true)
	if got := v.handle(0, asked(v, 0, arpRequest, floating, floating)); got.dropped != CutLink || len(c.announced) > 0 {
		t.Errorf("got %+v, the cloud told %d times", got, len(c.announced))
	}
	if got := v.handle(0, asked(v, 0, arpRequest, node0, node1)); got.dropped != CutLink {
		t.Errorf("its question got %+v", got)
	}
}
