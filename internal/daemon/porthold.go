// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"github.com/fipctl/fipctl/internal/holder"
	"github.com/fipctl/fipctl/internal/trust"
)

// whoHas returns an error of listening with who has the port, if somebody has.
func whoHas(network string, at netip.AddrPort, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	p, user := holder.OfPort(network, at)
	return fmt.Errorf("%s: %w", portTaken(network, at, p, user), err)
}

// portTaken says who has a port, as far as it can be told, and what to do.
func portTaken(network string, at netip.AddrPort, p holder.Process, user int) string {
	port := fmt.Sprintf("%s port %d", strings.ToUpper(network), at.Port())
	switch {
	case p.Name == "fipctl":
		return fmt.Sprintf("%v has %s: another daemon runs on this machine; stop it first (systemctl stop fipctl), or give this one ports of its own", p, port)
	case p.PID != 0:
		return fmt.Sprintf("%v has %s; stop it, or use another port", p, port)
	default:
		whose := "somebody"
		if user >= 0 {
			whose = "a process of " + trust.Name(uint32(user))
		}
		return fmt.Sprintf("%s has %s; see which as root with `ss -%slnp 'sport = :%d'`, and stop it, or use another port", whose, port, network[:1], at.Port())
	}
}
