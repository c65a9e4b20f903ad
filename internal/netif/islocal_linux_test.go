// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"errors"
	"net/netip"
	"testing"
)

// Loopback is a whole network of this machine, though lo has one address of it; the
// addresses for documentation (RFC 5737, RFC 3849) are nobody's.
func TestTheKernelTellsWhatIsLocal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"127.0.0.1": true, "127.7.7.7": true, "::ffff:127.0.0.1": true,
		"192.0.2.77": false, "2001:db8::77": false,
	} {
		local, err := IsLocal(t.Context(), netip.MustParseAddr(text))
		if err != nil || local != want {
			t.Errorf("%s is local: %v, want %v (%v)", text, local, want, err)
		}
	}
}

func TestAnEndedContextAsksNothing(t *testing.T) {
	t.Parallel()
	why := errors.New("no more")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := IsLocal(ctx, netip.MustParseAddr("127.0.0.1")); !errors.Is(err, why) {
		t.Errorf("%v, want %v", err, why)
	}
}
