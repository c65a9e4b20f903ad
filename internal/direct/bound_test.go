// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"testing"

	"github.com/fipctl/fipctl/internal/status"
)

// TestWhetherAGroupIsBoundIsUnknownUntilAnAddressIsElsewhere: all of them must be with the
// node, and one that cannot be read may be.
func TestWhetherAGroupIsBoundIsUnknownUntilAnAddressIsElsewhere(t *testing.T) {
	t.Parallel()
	c, _ := newFake(t)
	at := func(node string) status.Address {
		return status.Address{Owner: status.Owner{Node: node, State: status.OwnerNode}}
	}
	unread := status.Address{Owner: status.Owner{State: status.OwnerUnknown}}
	free := status.Address{Owner: status.Owner{State: status.OwnerNone}}
	for _, tt := range []struct {
		name      string
		addresses []status.Address
		want      string // of lb-a and lb-b
	}{
		{"both are read", []status.Address{at("lb-a"), at("lb-a")}, "yes no"},
		{"none is", []status.Address{unread, unread}, "unknown unknown"},
		{"one is, and a node has it", []status.Address{unread, at("lb-a")}, "unknown no"},
		{"the other one is", []status.Address{at("lb-b"), unread}, "no unknown"},
		{"one is, and nobody has it", []status.Address{unread, free}, "no no"},
	} {
		word := map[[2]bool]string{{true, false}: "yes", {false, false}: "no", {false, true}: "unknown"}
		n := c.nodes(tt.addresses)
		if got := word[[2]bool{n[0].Bound, n[0].BoundUnknown}] + " " + word[[2]bool{n[1].Bound, n[1].BoundUnknown}]; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
