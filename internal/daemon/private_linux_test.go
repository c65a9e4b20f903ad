// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"log/slog"
	"net"
	"testing"

	"github.com/fipctl/fipctl/internal/config"
	"golang.org/x/sys/unix"
)

// TestTheDaemonHidesItsEnvironmentAndMemoryFirst has a daemon that ends at once. Not
// parallel: it is about the whole process.
func TestTheDaemonHidesItsEnvironmentAndMemoryFirst(t *testing.T) {
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	defer unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	cfg := &config.Config{Listen: taken.LocalAddr().(*net.UDPAddr).AddrPort()}
	if err := Run(t.Context(), Options{Config: cfg, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Fatal("a daemon ran on an address that is taken")
	}
	if dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || dumpable != 0 {
		t.Errorf("dumpable is %d, %v", dumpable, err)
	}
}
