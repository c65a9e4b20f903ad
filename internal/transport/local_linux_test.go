// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package transport

import (
	"net/netip"
	"testing"
)

// A datagram leaves from the address that is asked for, and not from the one that the
// kernel would take.
func TestADatagramLeavesFromTheAddressAskedFor(t *testing.T) {
	t.Parallel()
	from, err := ListenUDP(netip.MustParseAddrPort("0.0.0.0:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	source := netip.MustParseAddr("127.0.0.77")
	if err := from.Send(to.LocalAddr(), source, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := to.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	var p Packet
	if !to.Poll(&p) || p.From.Addr() != source {
		t.Errorf("it came from %v", p.From)
	}
}
