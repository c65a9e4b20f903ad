// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"github.com/fipctl/fipctl/internal/holder"
)

func TestWhoHasThePortIsSaidFirst(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort("10.0.4.20:7112")
	for _, tc := range []struct {
		p    holder.Process
		user int
		want string
	}{
		{holder.Process{PID: 5, Name: "fipctl"}, 0, "fipctl (pid 5) has UDP port 7112: another daemon runs on this machine; stop it first (systemctl stop fipctl), or give this one ports of its own"},
		{holder.Process{PID: 5, Name: "fipctl", Likely: true}, 0, "probably fipctl (pid 5) has UDP port 7112: another daemon runs on this machine; stop it first (systemctl stop fipctl), or give this one ports of its own"},
		{holder.Process{PID: 5, Name: "dnsmasq"}, 0, "dnsmasq (pid 5) has UDP port 7112; stop it, or use another port"},
		{holder.Process{}, 0, "a process of root has UDP port 7112; see which as root with `ss -ulnp 'sport = :7112'`, and stop it, or use another port"},
		{holder.Process{}, -1, "somebody has UDP port 7112; see which as root with `ss -ulnp 'sport = :7112'`, and stop it, or use another port"},
	} {
		if got := portTaken("udp", at, tc.p, tc.user); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
	other := errors.New("no such address")
	if got := whoHas("udp", at, other); got != other {
		t.Errorf("another error became %v", got)
	}
	if got := whoHas("udp", at, syscall.EADDRINUSE); !errors.Is(got, syscall.EADDRINUSE) || got == syscall.EADDRINUSE {
		t.Errorf("got %v, want who has the port and the cause", got)
	}
}
