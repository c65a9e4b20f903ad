// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab_test

import (
	"context"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os/exec"

	"github.com/fipctl/fipctl/internal/netlab"
)

// nobodyHolds is the word of a cloud without floating addresses.
type nobodyHolds struct{}

func (nobodyHolds) Holder(netip.Addr, netlab.Station) (netlab.Station, bool) { return 0, false }
func (nobodyHolds) Owns(netlab.Station, netip.Addr) bool                     { return false }
func (nobodyHolds) Private(netip.Addr) (netip.Addr, bool)                    { return netip.Addr{}, false }
func (nobodyHolds) Public(netip.Addr) (netip.Addr, bool)                     { return netip.Addr{}, false }
func (nobodyHolds) Announced(netlab.Station, netip.Addr) bool                { return false }

// A process runs in a node, and the client asks it over HTTP.
func Example() {
	fabric, err := netlab.Open(netlab.Options{
		Subnet:  netip.MustParsePrefix("10.0.4.0/24"),
		Nodes:   []netlab.Node{{Name: "a", MAC: net.HardwareAddr{2, 0, 0x5e, 0x10, 0, 1}, Private: netip.MustParseAddr("10.0.4.20")}},
		Client:  netip.MustParseAddr("10.0.4.50"),
		Binding: nobodyHolds{},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- fabric.Run(ctx) }()

	server := exec.CommandContext(ctx, "nginx", "-g", "daemon off;")
	if err := fabric.Do(0, server.Start); err != nil {
		log.Print(err)
	}
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return fabric.Dial(ctx, netlab.Client, network, addr)
		},
	}}
	if _, err := client.Get("http://10.0.4.20"); err != nil {
		log.Print(err)
	}

	cancel()
	_ = server.Wait() // it was killed
	if err := <-ended; err != nil {
		log.Print(err)
	}
	if err := fabric.Close(); err != nil {
		log.Print(err)
	}
}
