// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package holder

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// process makes a process of a /proc of the test's own; without a socket its files are not
// to be seen.
func process(t *testing.T, root string, pid int, name string, user int, socket string) {
	t.Helper()
	dir := filepath.Join(root, fmt.Sprint(pid))
	for file, text := range map[string]string{"comm": name + "\n", "status": fmt.Sprintf("Name:\t%s\nUid:\t0\t%d\t0\t0\n", name, user)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if socket == "" {
		return
	}
	if err := os.Mkdir(filepath.Join(dir, "fd"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("socket:["+socket+"]", filepath.Join(dir, "fd", "7")); err != nil {
		t.Fatal(err)
	}
}

// table is as the kernel of a little endian machine writes it: a listener of a user at
// 127.0.0.1:9112, a connection from there, and a wildcard at port 7112.
const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2398 0100007F:BE30 01 00000000:00000000 00:00000000 00000000  1000        0 11 1 0 100 0 0 10 0
   1: 0100007F:2398 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12 1 0 100 0 0 10 0
   2: 00000000:1BC8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 13 1 0 100 0 0 10 0
`

func TestWhoHasAPortIsNamedAsFarAsItCanBeTold(t *testing.T) {
	t.Parallel()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the table is of a little endian machine")
	}
	const self = 99
	for _, tc := range []struct {
		name, at string
		build    func(root string)
		want     Process
		user     int
	}{
		{"one whose files can be seen", "127.0.0.1:9112", func(root string) {
			process(t, root, 5, "nginx", 1000, "12")
			process(t, root, 6, "fipctl", 1000, "11")
		}, Process{PID: 5, Name: "nginx"}, 1000},
		{"a wildcard is in the way of every address", "10.0.4.20:7112", func(root string) {
			process(t, root, 5, "fipctl", 1001, "13")
		}, Process{PID: 5, Name: "fipctl"}, 1001},
		{"another address is not in the way", "127.0.0.2:9112", func(root string) {
			process(t, root, 5, "fipctl", 1000, "12")
		}, Process{}, -1},
		{"the only one of our kind and of the socket's user", "127.0.0.1:9112", func(root string) {
			process(t, root, 5, "fipctl", 1000, "")
			process(t, root, 6, "fipctl", 1001, "")
			process(t, root, 7, "nginx", 1000, "")
		}, Process{PID: 5, Name: "fipctl", Likely: true}, 1000},
		{"two of our kind", "127.0.0.1:9112", func(root string) {
			process(t, root, 5, "fipctl", 1000, "")
			process(t, root, 6, "fipctl", 1000, "")
		}, Process{}, 1000},
	} {
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "net"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "net", "tcp"), []byte(table), 0o600); err != nil {
			t.Fatal(err)
		}
		process(t, root, self, "fipctl", 1000, "")
		tc.build(root)
		got, user := proc(root).ofPort("tcp", netip.MustParseAddrPort(tc.at), self)
		if got != tc.want || user != tc.user {
			t.Errorf("%s: got %v of user %d, want %v of %d", tc.name, got, user, tc.want, tc.user)
		}
	}
}

func TestThisProcessIsFoundByItsPort(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc here")
	}
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		c, err := net.ListenPacket("udp", listen)
		if err != nil {
			t.Logf("not tried at %s: %v", listen, err)
			continue
		}
		defer c.Close()
		got, user := OfPort("udp", c.LocalAddr().(*net.UDPAddr).AddrPort())
		if got.PID != os.Getpid() || got.Name == "" || user != os.Geteuid() {
			t.Errorf("%s: got %v of user %d", listen, got, user)
		}
	}
}

func TestAProcessInWords(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Process{
		"fipctl (pid 5)":          {PID: 5, Name: "fipctl"},
		"probably fipctl (pid 5)": {PID: 5, Name: "fipctl", Likely: true},
		"process 5":               {PID: 5},
	} {
		if p.String() != want {
			t.Errorf("got %s, want %s", p, want)
		}
	}
}
