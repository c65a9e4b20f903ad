// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestAnOrdinaryAddressIsNotMovedByAnAnnouncement(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.hold(floating, 0)
	f := start(t, options(c, inside))
	serve(t, f)
	hold(t, f, 0, floating)
	hold(t, f, 1, floating)
	for _, operation := range []int{arpRequest, arpReply} {
		for _, ip := range []netip.Addr{floating, node0, inside} {
			announce(t, f, 1, operation, ip)
		}
	}
	settle(t, f, 1)
	if got := f.Counts(1); got.Dropped[Announcement] != 6 || got.Heeded != 0 {
		t.Errorf("counts of the announcer: %+v, want 6 announcements without effect", got)
	}
	wantAnswer(t, f, Client, floating, "a")
	wantAnswer(t, f, Client, node0, "a")
}

func TestAnAnnouncedAddressMovesWhereTheCloudHeedsIt(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.heeds[floating] = true
	f := start(t, options(c, inside))
	serve(t, f)
	hold(t, f, 0, floating)
	hold(t, f, 1, floating)
	for i, operation := range []int{arpRequest, arpReply, arpRequest, arpReply} {
		node := Station(i % 2)
		announce(t, f, node, operation, floating)
		select {
		case got := <-c.announced:
			if want := (announcement{node, floating}); got != want {
				t.Errorf("the cloud was told %+v, want %+v", got, want)
			}
		case <-time.After(patience):
			t.Fatal("the cloud was not told")
		}
		wantAnswer(t, f, Client, floating, f.vpc.options.Nodes[node].Name)
	}
}

func TestALinkIsCutInOneDirection(t *testing.T) {
	t.Parallel()
	f := start(t, options(newCloud(), inside))
	serve(t, f)
	wantAnswer(t, f, 0, node1, "b")
	f.Cut(0, 1, true)
	wantSilence(t, f, 0, node1, CutLink, 0)
	wantSilence(t, f, 1, node0, CutLink, 0) // the answers
	wantAnswer(t, f, Client, node1, "b")
	f.Cut(0, 1, false)
	wantAnswer(t, f, 0, node1, "b")
	f.Isolate(1, true)
	wantSilence(t, f, Client, node1, CutLink, Client)
	wantAnswer(t, f, Client, node0, "a")
	f.Isolate(1, false)
	wantAnswer(t, f, Client, node1, "b")
}

func TestEachNodeHasItsOwnMetadataAndTheAPI(t *testing.T) {
	t.Parallel()
	say := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			host, _, _ := net.SplitHostPort(r.RemoteAddr)
			_, _ = io.WriteString(w, name+" "+r.Host+" "+host)
		})
	}
	o := options(newCloud(), internet)
	o.API = say("api")
	o.APIAddr = netip.MustParseAddrPort("198.18.0.1:8000")
	o.Nodes[0].Metadata, o.Nodes[1].Metadata = say("metadata of a"), say("metadata of b")
	f := start(t, o)
	tests := []struct {
		node   Station
		url    string
		status int
		body   string
	}{
		{0, "http://169.254.169.254/x", http.StatusOK, "metadata of a 169.254.169.254 10.0.4.20"},
		{0, "http://169.254.0.23/x", http.StatusOK, "metadata of a 169.254.0.23 10.0.4.20"},
		{1, "http://169.254.169.254/x", http.StatusOK, "metadata of b 169.254.169.254 10.0.4.21"},
		{1, "http://169.254.0.23/x", http.StatusOK, "metadata of b 169.254.0.23 10.0.4.21"},
		{0, "http://198.18.0.1:8000/x", http.StatusOK, "api 198.18.0.1:8000 10.0.4.20"},
		{1, "http://198.18.0.1:8000/x", http.StatusOK, "api 198.18.0.1:8000 10.0.4.21"},
	}
	for _, tt := range tests {
		status, body := fetch(t, f, tt.node, tt.url)
		if status != tt.status || body != tt.body {
			t.Errorf("%s gets %s: %d %q, want %d %q", tt.node, tt.url, status, body, tt.status, tt.body)
		}
	}
}

func TestANodeSendsOnlyFromWhatItHolds(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.hold(floating, 0)
	f := start(t, options(c, inside))
	serve(t, f)
	hold(t, f, 0, floating)
	hold(t, f, 1, floating) // left behind by a move
	for _, src := range []netip.Addr{node0, inside, floating, netip.MustParseAddr("192.0.2.1")} {
		send(t, f, 1, sent(t, f.vpc, 1, src, inside))
	}
	forged := sent(t, f.vpc, 1, node1, inside)
	copy(forged[macLen:], f.vpc.options.Nodes[0].MAC)
	send(t, f, 1, forged)
	settle(t, f, 1)
	if got := f.Counts(1).Dropped[ForeignSource]; got != 5 {
		t.Errorf("%d frames dropped for their source, want 5: %+v", got, f.Counts(1))
	}
	if got := f.Counts(0).Dropped[ForeignSource]; got != 0 {
		t.Errorf("the holder is blamed for %d", got)
	}
	wantAnswer(t, f, Client, floating, "a")
}

func TestAnInterfaceThatIsDownReceivesNothing(t *testing.T) {
	t.Parallel()
	f := start(t, options(newCloud(), inside))
	serve(t, f)
	link := func(set func(netlink.Link) error) {
		t.Helper()
		err := f.Do(1, func() error {
			eth0, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			return set(eth0)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	link(netlink.LinkSetDown)
	wantSilence(t, f, 0, node1, Undeliverable, 0)
	link(netlink.LinkSetUp)
	wantAnswer(t, f, Client, node0, "a")
}

func TestAProcessRunsInItsNode(t *testing.T) {
	t.Parallel()
	f := start(t, options(newCloud(), inside))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stdout = &out
	if err := f.Do(1, cmd.Start); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "[127.0.0.1/8 10.0.4.21/24] <nil>\n"; got != want {
		t.Errorf("it sees the addresses %q, want %q", got, want)
	}
}

func TestAnUnknownStationHasNoNamespace(t *testing.T) {
	t.Parallel()
	f := start(t, options(newCloud(), inside))
	err := f.Do(2, func() error { t.Error("called"); return nil })
	if err == nil || err.Error() != "enter the namespace of node 2: there is none" {
		t.Errorf("got %v", err)
	}
}

// TestNothingRemains is not parallel: it counts what the whole process has.
func TestNothingRemains(t *testing.T) {
	if err := Available(); err != nil {
		t.Skipf("needs network namespaces: %v", err)
	}
	files, machine := openFiles(t), machineNetwork(t)
	refused := options(newCloud(), inside)
	refused.Nodes[1].MAC = make(net.HardwareAddr, macLen) // which the kernel takes for none
	if _, err := Open(refused); !errors.Is(err, unix.EADDRNOTAVAIL) {
		t.Errorf("a lab with a MAC of zeros: %v", err)
	}
	unused, err := Open(options(newCloud(), inside))
	if err != nil {
		t.Fatal(err)
	}
	if err := unused.Close(); err != nil {
		t.Error(err)
	}
	f, err := Open(options(newCloud(), internet))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(machine, machineNetwork(t)); diff != "" {
		t.Errorf("the lab shows outside (-before +during):\n%s", diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(f.Run(ctx), f.Close()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(machine, machineNetwork(t)); diff != "" {
		t.Errorf("something remains (-before +after):\n%s", diff)
	}
	if got := openFiles(t); got != files {
		t.Errorf("%d files are open, %d before", got, files)
	}
}

// machineNetwork returns the interfaces outside, the named namespaces, and the
// namespaces that this process has threads in.
func machineNetwork(t *testing.T) []string {
	t.Helper()
	var seen []string
	ifaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range ifaces {
		seen = append(seen, i.Name)
	}
	names, _ := os.ReadDir("/run/netns") // missing when there never was one
	for _, n := range names {
		seen = append(seen, "namespace "+n.Name())
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	var spaces []string
	for _, thread := range threads {
		if ns, err := os.Readlink("/proc/self/task/" + thread.Name() + "/ns/net"); err == nil { // it may have ended
			spaces = append(spaces, "a thread in "+ns)
		}
	}
	slices.Sort(spaces)
	return append(seen, slices.Compact(spaces)...)
}
