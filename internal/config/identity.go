// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import "net/netip"

// OwnAddress is the address that a machine must have to be this node: where the daemon
// listens on one address that one, as something may translate to it, else that at which
// the peers find it.
func (c *Config) OwnAddress() netip.Addr {
	if ip := c.Listen.Addr(); ip.IsValid() && !ip.IsUnspecified() {
		return ip
	}
	return c.Self().Address.Addr()
}
