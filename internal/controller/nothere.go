// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"fmt"
	"net/netip"
)

// NotHere says that no interface of this machine has addr, by which it would be node, and
// what to do. Other is another node of the file whose address is here; empty: none.
func NotHere(node string, addr netip.Addr, other string) string {
	text := fmt.Sprintf("no interface of this machine has %s, the address of %s, as which it runs: ", addr, node)
	if other != "" {
		return text + fmt.Sprintf("it has that of %s; set node: %s, or run with --node %s", other, other, other)
	}
	return text + "correct node or nodes[].address; where another address of this machine is translated to it, set listen to that one"
}
