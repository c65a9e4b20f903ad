// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

func missing(field string) error { return fmt.Errorf("%s: missing", field) }

// parseIP reads the IPv4 address found under name.
func parseIP(name, text string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(text)
	if err != nil || !ip.Is4() {
		return netip.Addr{}, fmt.Errorf("%s: %s is not an IPv4 address", name, cloudhttp.Quote(text))
	}
	return ip, nil
}
