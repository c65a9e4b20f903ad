// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// keepalivedConfig claims two addresses as soon as no peer is heard, by unicast as
// in a cloud.
const keepalivedConfig = `
global_defs {
  router_id netlab
  vrrp_garp_master_repeat 2
}
vrrp_instance test {
  version 3
  state BACKUP
  interface eth0
  virtual_router_id 7
  priority 200
  advert_int 0.1
  garp_master_delay 1
  unicast_src_ip 10.0.4.20
  unicast_peer { 10.0.4.21 }
  virtual_ipaddress {
    10.0.4.98/32 dev eth0
    10.0.4.99/32 dev eth0
  }
}
`

// TestKeepalivedMovesOnlyWhatTheCloudHeeds plays what cloud users find out: the
// same announcement moves one kind of address and not the other.
func TestKeepalivedMovesOnlyWhatTheCloudHeeds(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("keepalived")
	if err != nil {
		t.Skip("keepalived is not installed")
	}
	ordinary := netip.MustParseAddr("10.0.4.98")
	c := newCloud()
	c.hold(ordinary, 1)
	c.hold(floating, 1)
	c.heeds[floating] = true
	f := start(t, options(c, inside))
	serve(t, f)
	hold(t, f, 1, ordinary)
	hold(t, f, 1, floating)
	log := runKeepalived(t, f, path)
	waiting := map[netip.Addr]bool{ordinary: true, floating: true}
	for end := time.After(patience); len(waiting) > 0; {
		select {
		case a := <-c.announced:
			if a.node != 0 {
				t.Errorf("%s announces %s", a.node, a.ip)
			}
			delete(waiting, a.ip)
		case <-end:
			b, _ := os.ReadFile(log)
			t.Fatalf("not announced: %v\n%s", waiting, b)
		}
	}
	wantAnswer(t, f, Client, floating, "a")
	wantAnswer(t, f, Client, ordinary, "b")
}

// runKeepalived starts it on node 0 until the test ends and returns its log's name.
func runKeepalived(t *testing.T, f *Fabric, path string) string {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(in("conf"), []byte(strings.TrimSpace(keepalivedConfig)), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(in("log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--dont-fork", "--log-console", "--vrrp", "--use-file", in("conf"),
		"--pid", in("pid"), "--vrrp_pid", in("vrrp.pid"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := f.Do(0, cmd.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(unix.SIGTERM)
		watchdog := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // how it ends says nothing
		watchdog.Stop()
		_ = log.Close()
	})
	return log.Name()
}
