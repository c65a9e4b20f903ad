// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"fmt"
	"net/netip"
)

// texts spells addresses.
func texts(ips []netip.Addr) []string {
	all := []string{}
	for _, ip := range ips {
		all = append(all, ip.String())
	}
	return all
}

// uuid is one that only depends on the text.
func uuid(from string) string {
	n := number64(from)
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(n), uint16(n>>32), n>>48&0xfff, n>>52&0xfff, n&0xffffffffffff)
}
