// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
	"github.com/fipctl/fipctl/pkg/providers"
)

const surroundingsKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

// surroundings are what a daemon that owns the address finds around it: a cloud, and a
// peer, played by the test, that listens.
type surroundings struct {
	*testing.T
	config   string
	socket   string
	peer     *net.UDPConn
	receiver wire.Receiver
	daemon   *exec.Cmd
	exited   chan error
	last     *election.Advert
}

// surround prepares a cluster of lb-a, the owner, and lb-b, the peer. More is appended
// to lb-a's configuration.
func surround(t *testing.T, more string) *surroundings {
	t.Helper()
	dir, err := os.MkdirTemp("", "fip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	model := fakecloud.New(fakecloud.Options{Now: time.Now})
	api := fakedo.New(model, fakedo.Options{Tokens: []fakedo.Token{{Value: "dop_v1_secret"}}, OperationDelay: -1})
	for i, id := range []string{"1001", "1002"} {
		private := netip.AddrFrom4([4]byte{10, 0, 4, byte(20 + i)})
		if err := model.AddInstance(fakecloud.Instance{ID: id, Name: id, Region: "nyc3", Private: []netip.Addr{private}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := model.AddAddress(fakecloud.Address{IP: netip.MustParseAddr("203.0.113.10"), Region: "nyc3",
		Holder: providers.Target{Instance: "1001"}}); err != nil {
		t.Fatal(err)
	}
	endpoint, metadata := httptest.NewServer(api), httptest.NewServer(api.MetadataHandler("1001"))
	t.Cleanup(func() { endpoint.Close(); metadata.Close() })
	peer, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 3)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	keys, err := wire.ParseKeyring([]byte(surroundingsKey))
	if err != nil {
		t.Fatal(err)
	}
	s := &surroundings{
		T: t, config: filepath.Join(dir, "fipctl.yaml"), socket: filepath.Join(dir, "s"), peer: peer, exited: make(chan error, 1),
		receiver: wire.Receiver{Cluster: "web", Node: "lb-b", Peers: []string{"lb-a"}, Keys: keys},
	}
	for name, text := range map[string]string{"cluster.key": surroundingsKey, "token": "dop_v1_secret\n", "fipctl.yaml": fmt.Sprintf(`
node: lb-a
cluster: {id: web, key_file: %[1]s/cluster.key, advert_interval: 400ms}
nodes:
  - {name: lb-a, address: 127.0.0.2:%[2]d}
  - {name: lb-b, address: 127.0.0.3:%[2]d}
listen: 127.0.0.2:%[2]d
control: {socket: %[1]s/s}
state_dir: %[1]s/state
log: {level: debug}
groups:
  - name: web
    vrid: 51
    addresses: [{provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}]
providers:
  digitalocean: {token_file: %[1]s/token, endpoint: %[3]q, metadata_endpoint: %[4]q}
%[5]s`, dir, peer.LocalAddr().(*net.UDPAddr).Port, endpoint.URL, metadata.URL, more)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// start runs the daemon with an open file as its standard error; nil: with none at all.
func (s *surroundings) start(stderr *os.File, env ...string) {
	s.Helper()
	s.daemon = exec.Command("fipctl", "--config", s.config, "run")
	s.daemon.Env = append(os.Environ(), env...)
	s.daemon.Stderr = stderr
	if stderr == nil { // os/exec would open /dev/null
		s.daemon = exec.Command("sh", "-c", `exec fipctl --config "$0" run 2>&-`, s.config)
		s.daemon.Env = append(os.Environ(), env...)
	}
	if err := s.daemon.Start(); err != nil {
		s.Fatal(err)
	}
	go func() { s.exited <- s.daemon.Wait() }()
	s.Cleanup(func() {
		if s.exited != nil {
			_ = s.daemon.Process.Kill()
			<-s.exited
		}
	})
}

// hopeless is the end of hope for what comes at once where the machine has time.
const hopeless = 30 * time.Second

// hear returns the next advert of the daemon. For each it gets a datagram that it
// refuses, so that it has something to log.
func (s *surroundings) hear() *election.Advert {
	s.Helper()
	buffer := make([]byte, 2048)
	for {
		_ = s.peer.SetReadDeadline(time.Now().Add(hopeless))
		n, from, err := s.peer.ReadFromUDPAddrPort(buffer)
		if err != nil {
			s.Fatalf("no advert comes any more: %v", err)
		}
		var m wire.Message
		if why := s.receiver.Decode(buffer[:n], &m); why != election.ReasonNone || m.Kind != wire.KindAdvert {
			continue
		}
		if s.last != nil && m.Advert.Sequence != s.last.Sequence+1 {
			s.Errorf("advert %d follows advert %d", m.Advert.Sequence, s.last.Sequence)
		}
		s.last = &m.Advert
		_, _ = s.peer.WriteToUDPAddrPort([]byte("noise"), from)
		return s.last
	}
}

// leads waits until the daemon says that it leads.
func (s *surroundings) leads() {
	s.Helper()
	for range 200 {
		if a := s.hear(); len(a.Groups) == 1 && a.Groups[0].Role == election.Active {
			return
		}
	}
	s.Fatal("200 adverts, and none says that it leads")
}

// stops sends SIGTERM and checks that the last word is a goodbye and the end a clean one.
func (s *surroundings) stops() {
	s.Helper()
	if err := s.daemon.Process.Signal(syscall.SIGTERM); err != nil {
		s.Fatalf("the daemon has ended before: %v, %v", err, <-s.exited)
	}
	for range 50 {
		if a := s.hear(); a.Groups[0].Priority == 0 {
			break
		}
	}
	if s.last.Groups[0].Priority != 0 {
		s.Error("50 adverts after SIGTERM, and none is a goodbye")
	}
	select {
	case err := <-s.exited:
		s.exited = nil
		if err != nil {
			s.Errorf("it ended with %v", err)
		}
	case <-time.After(hopeless):
		s.Error("it does not end")
	}
}

// unreadPipe returns the writing end of a pipe that is full and that nobody reads.
func unreadPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	fill(t, w)
	return w
}

// fill writes until the pipe takes nothing any more.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	raw, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		for _, size := range []int{4096, 1} {
			for err = nil; err == nil; {
				_, err = unix.Write(int(fd), make([]byte, size)) // os.Pipe does not block
			}
		}
		if !errors.Is(err, unix.EAGAIN) {
			t.Fatalf("fill pipe: %v", err)
		}
	})
}

// TestNothingIsLostWithTheLog: the log is told, and nothing waits for it (decision 42).
func TestNothingIsLostWithTheLog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		stderr func(t *testing.T) *os.File
	}{
		{"the reader of standard error has gone", func(t *testing.T) *os.File {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			return w
		}},
		{"nobody reads standard error", unreadPipe},
		{"standard error is closed", func(*testing.T) *os.File { return nil }},
		{"the disk under the log is full", func(t *testing.T) *os.File {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Skipf("open /dev/full: %v", err)
			}
			return full
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := surround(t, "")
			s.start(tt.stderr(t))
			s.leads()
			for range 10 {
				if a := s.hear(); a.Groups[0].Role != election.Active {
					t.Fatalf("it leads no more: %+v", a.Groups[0])
				}
			}
			s.stops()
		})
	}
}

// TestTheServiceManagerIsToldHowTheDaemonIs plays systemd, which none of the tests has.
func TestTheServiceManagerIsToldHowTheDaemonIs(t *testing.T) {
	t.Parallel()
	path := socketPath(t)
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { manager.Close() })
	next := func() string {
		b := make([]byte, 128)
		_ = manager.SetReadDeadline(time.Now().Add(hopeless))
		n, err := manager.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	s := surround(t, "")
	s.start(unreadPipe(t), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=400000")
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := next(); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	s.leads()
	s.stops()
	for got := next(); got != "STOPPING=1"; got = next() {
		if got != "WATCHDOG=1" {
			t.Errorf("told %q, want STOPPING=1", got)
		}
	}
}
