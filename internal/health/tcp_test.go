// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTCP(t *testing.T) {
	t.Parallel()
	open, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { open.Close() })
	shut, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shut.Close()
	_, port, _ := net.SplitHostPort(open.Addr().String())
	over, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("over"))

	tests := []struct {
		name string
		ctx  context.Context
		addr string
		text string
		err  string
	}{
		{"an open port is well", t.Context(), open.Addr().String(), "connected to " + open.Addr().String(), ""},
		{"placeholders are replaced", t.Context(), "{anchor}:" + port, "connected to 127.0.0.1:" + port, ""},
		{"a closed port fails", t.Context(), shut.Addr().String(), "",
			"connect to " + shut.Addr().String() + ": connect: connection refused"},
		{"an ended context says why", over, open.Addr().String(), "", "connect to " + open.Addr().String() + ": over"},
		{"a value that is missing is an error", t.Context(), "{address}:1", "",
			"{address} has no value: the group has not exactly one address; write the address out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := TCP{tt.addr}.Ask(tt.ctx, Values{Anchor: netip.MustParseAddr("127.0.0.1")})
			if diff := cmp.Diff([]string{tt.text, tt.err}, []string{text, errText(err)}); diff != "" {
				t.Errorf("text and error (-want +got):\n%s", diff)
			}
		})
	}
}
