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
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fipctl/fipctl/internal/netif"
)

const (
	patience = 10 * time.Second       // for what must happen
	despair  = 300 * time.Millisecond // for what must not, which the counts confirm
)

// start runs a fabric until the test ends.
func start(t *testing.T, o Options) *Fabric {
	t.Helper()
	if err := Available(); err != nil {
		t.Skipf("needs network namespaces: %v", err)
	}
	f, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run the fabric: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("close the fabric: %v", err)
		}
	})
	return f
}

// serve makes every node answer any connection to TCP port 8080 with its name.
func serve(t *testing.T, f *Fabric) {
	t.Helper()
	for i, n := range f.vpc.options.Nodes {
		ln, err := f.Listen(Station(i), "tcp4", "0.0.0.0:8080")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				_ = conn.SetDeadline(time.Now().Add(patience))
				_, _ = io.WriteString(conn, n.Name) // the asker sees it missing
				_ = conn.Close()
			}
		}()
		t.Cleanup(func() { _ = ln.Close(); <-ended })
	}
}

// ask returns what answers a station at an address.
func ask(f *Fabric, from Station, ip netip.Addr, wait time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	conn, err := f.Dial(ctx, from, "tcp4", netip.AddrPortFrom(ip, 8080).String())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(wait)); err != nil {
		return "", err
	}
	b, err := io.ReadAll(conn)
	return string(b), err
}

// wantAnswer fails the test unless the named node answers.
func wantAnswer(t *testing.T, f *Fabric, from Station, ip netip.Addr, name string) {
	t.Helper()
	if got, err := ask(f, from, ip, patience); got != name || err != nil {
		t.Errorf("%s asks %s: got %q, %v, want %q", from, ip, got, err, name)
	}
}

// wantSilence fails the test unless nobody answers, because frames were dropped
// that a station sent. It asks until that is seen: a slow machine may need longer
// than the asker waits.
func wantSilence(t *testing.T, f *Fabric, from Station, ip netip.Addr, dropped Reason, of Station) {
	t.Helper()
	before := f.Counts(of).Dropped[dropped]
	for end := time.Now().Add(patience); f.Counts(of).Dropped[dropped] == before; {
		if got, err := ask(f, from, ip, despair); err == nil {
			t.Errorf("%s asks %s: got %q, want no answer", from, ip, got)
			return
		}
		if time.Now().After(end) {
			t.Errorf("%s asks %s: nothing of %s was dropped as %q: %+v", from, ip, of, dropped, f.Counts(of))
			return
		}
	}
}

// settle returns when the fabric has dealt with everything that a node sent so far:
// it deals with one frame after the other, and answers this question last.
func settle(t *testing.T, f *Fabric, node Station) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := f.Dial(ctx, node, "tcp4", "169.254.169.254:80")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// hold puts an address on a node's interface, as the daemon does.
func hold(t *testing.T, f *Fabric, node Station, ip netip.Addr) {
	t.Helper()
	err := f.Do(node, func() error {
		_, err := netif.Kernel{}.AddHost(t.Context(), ip, "eth0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// send sends a frame from a station as it is.
func send(t *testing.T, f *Fabric, from Station, b frame) {
	t.Helper()
	err := f.Do(from, func() error {
		iface, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return errors.Join(unix.Sendto(fd, b, 0, &unix.SockaddrLinklayer{Ifindex: iface.Index}), unix.Close(fd))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// announce sends a gratuitous ARP from a node.
func announce(t *testing.T, f *Fabric, node Station, operation int, ip netip.Addr) {
	t.Helper()
	send(t, f, node, asked(f.vpc, node, operation, ip, ip))
}

// fetch returns the status and body of a GET by a node.
func fetch(t *testing.T, f *Fabric, from Station, url string) (int, string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return f.Dial(ctx, from, network, addr)
		}}
	client := &http.Client{Transport: transport, Timeout: patience}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// openFiles returns how many files this process has open.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
