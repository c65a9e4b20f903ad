// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/internal/transport"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The world of the tests: two nodes, one floating IP, the interval of the lab.
const (
	nodeA, nodeB = "lb-a", "lb-b"
	interval     = 250 * time.Millisecond
	activeDown   = 3*interval + interval // with some skew and time to act
	keyLine      = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
)

var (
	floating  = netip.MustParseAddr("203.0.113.10")
	instances = map[string]string{nodeA: "1001", nodeB: "1002"}
	privates  = map[string]netip.AddrPort{
		nodeA: netip.MustParseAddrPort("10.0.4.20:7112"), nodeB: netip.MustParseAddrPort("10.0.4.21:7112"),
	}
	stranger = providers.Target{Instance: "1009"}
)

// target is a node at the cloud.
func target(node string) providers.Target { return providers.Target{Instance: instances[node]} }

// world is a cluster on virtual time: real daemons on an in-memory network, each
// with a driver of its own to one fake cloud. Traffic to the floating IP follows
// the cloud.
type world struct {
	*testing.T
	network *transport.Network
	cloud   *fakecloud.Model
	sockets map[string]*transport.Memory
	dir     string
	nodes   []*node
	called  map[string]string // what a machine's file calls it, where that is not its own name

	elsewhere netip.AddrPort // where the next daemon listens, if not where the files say
}

// node is one daemon, from its start to its end.
type node struct {
	*daemon
	w      *world
	name   string
	cloud  *driver
	meta   *source
	check  *probe
	checks []health.Check // of every file that has none
	ifaces *netif.Memory
	log    *journal
	// addresses are those that the kernel of its machine calls local.
	addresses *addresses
	signals   chan os.Signal
	kill      context.CancelFunc // ends it as SIGKILL does: not another word
	// cancelContext ends the context that the daemon was given.
	cancelContext context.CancelFunc
	ended         chan error
}

// inWorld runs body in a bubble with a world whose address is held by holder.
func inWorld(t *testing.T, holder providers.Target, body func(w *world)) {
	t.Helper()
	t.Parallel()
	inWorldNow(t, holder, body)
}

// inWorldNow is inWorld beside no other test.
func inWorldNow(t *testing.T, holder providers.Target, body func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			T: t, network: transport.NewNetwork(1), cloud: fakecloud.New(fakecloud.Options{Now: time.Now}),
			sockets: map[string]*transport.Memory{}, dir: t.TempDir(),
		}
		for name, id := range instances {
			w.must(w.cloud.AddInstance(fakecloud.Instance{ID: id, Name: name, Region: "fra1", Private: []netip.Addr{privates[name].Addr()}}))
		}
		w.must(w.cloud.AddInstance(fakecloud.Instance{ID: stranger.Instance, Region: "fra1"}))
		w.must(w.cloud.AddAddress(fakecloud.Address{IP: floating, Region: "fra1", Holder: holder}))
		defer w.cloud.OnChange(func(fakecloud.Change) { w.route() })()
		defer func() {
			for _, n := range w.nodes {
				n.stopForTest()
			}
		}()
		body(w)
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// route lets datagrams to the floating IP reach its holder.
func (w *world) route() {
	for name, socket := range w.sockets {
		if w.cloud.Holder(floating) == target(name) {
			w.network.Move(floating, socket)
			return
		}
	}
	w.network.Move(floating, nil)
}

// write writes the configuration file of a node and returns its path; more is
// appended to the settings of the group.
func (w *world) write(node, more string) string {
	w.Helper()
	for name, content := range map[string]string{"cluster.key": keyLine, "token": "a-token-of-a-test\n"} {
		w.must(os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600))
	}
	path := filepath.Join(w.dir, node+".yaml")
	w.must(os.WriteFile(path, []byte(fmt.Sprintf(`
cluster: {id: web, key_file: %[1]s/cluster.key, advert_interval: 250ms}
nodes:
  - {name: lb-a, address: 10.0.4.20}
  - {name: lb-b, address: 10.0.4.21}
listen: "[::]:7112"
state_dir: %[1]s/%[4]s
groups:
  - name: web
    vrid: 51
    priority: {lb-a: 110, lb-b: 100}
    addresses: [{provider: digitalocean, kind: reserved-ip, ip: %[2]s}]
%[3]s
providers:
  digitalocean: {token_file: %[1]s/token}
`, w.dir, floating, more, node)), 0o600))
	return path
}

// build makes a daemon that does not run yet; change may alter what it is made of.
func (w *world) build(name string, change func(*node, *Options, *parts)) *node {
	w.Helper()
	n := &node{
		w: w, name: name, cloud: newDriver(w, name), meta: &source{id: metadata.Identity{Target: target(name), Region: "fra1"}},
		check: &probe{}, log: &journal{}, ifaces: netif.NewMemory(netif.Link{Name: "lo"}), addresses: &addresses{has: privates[name].Addr()}, signals: make(chan os.Signal, 4), ended: make(chan error, 1),
	}
	load := config.Options{Node: cmp.Or(w.called[name], name)}
	cfg, err := config.Load(w.write(name, ""), load)
	w.must(err)
	n.checks = []health.Check{health.Check{Name: "service", Probe: n.check, Interval: time.Second, Rise: 1, Fall: 1}.WithDefaults()}
	n.giveChecks(cfg)
	at := privates[name]
	if w.elsewhere.IsValid() {
		at = w.elsewhere
	}
	socket, err := w.network.Listen(at)
	w.must(err)
	if at == privates[name] {
		w.sockets[name] = socket
	}
	w.route()
	start := time.Now()
	o := Options{Config: cfg, Load: load, Log: slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Version: "test"}
	p := parts{
		clouds: n.clouds, net: socket, ifaces: n.ifaces, local: n.addresses.local, clock: newClock(func() time.Duration { return time.Since(start) }),
	}
	if change != nil {
		change(n, &o, &p)
	}
	n.daemon, err = assemble(o, p)
	w.must(err)
	return n
}

// start makes a daemon and lets it run.
func (w *world) start(name string, change func(*node, *Options, *parts)) *node {
	w.Helper()
	n := w.build(name, change)
	w.nodes = append(w.nodes, n)
	ctx, cancel := context.WithCancel(context.Background())
	n.cancelContext = cancel
	n.kill = func() { n.daemon.cancel(); cancel() }
	go func() {
		err := n.run(ctx, n.signals)
		n.net.Close()
		n.ended <- err
	}()
	synctest.Wait()
	return n
}

// pair starts both nodes and waits until one owns the address.
func (w *world) pair() (a, b *node) {
	w.Helper()
	a, b = w.start(nodeA, nil), w.start(nodeB, nil)
	w.eventually("somebody owns the address", func() bool { return a.bound() || b.bound() })
	return a, b
}

// giveChecks gives the check of the test to the groups of a file that have none.
func (n *node) giveChecks(cfg *config.Config) {
	for i := range cfg.Groups {
		if cfg.Groups[i].Checks == nil {
			cfg.Groups[i].Checks = slices.Clone(n.checks)
		}
	}
}

func (n *node) clouds(cfg *config.Config) (*clouds, error) {
	n.giveChecks(cfg)
	cs := newClouds()
	for _, p := range cfg.Providers {
		kinds := map[string]providers.Provider{"reserved-ip": n.cloud}
		cs.add(cfg, p.Name, registry.Cloud{Kinds: kinds, Metadata: n.meta, Credentials: "a test", Fingerprint: n.cloud.fingerprint})
	}
	return cs, nil
}

// reservedIPs returns the one kind of address that the tests' configuration has.
func reservedIPs(cs *clouds) *cloud { return cs.byKind[kindOf{"digitalocean", "reserved-ip"}] }

// stopForTest ends what still runs, so that nothing survives the bubble.
func (n *node) stopForTest() {
	n.kill()
	if n.ended != nil {
		<-n.ended
	}
}

// wait returns how the daemon ended.
func (n *node) wait() error {
	err := <-n.ended
	n.ended = nil
	return err
}

func (n *node) stop() error { n.signals <- syscall.SIGTERM; return n.wait() }

// crash ends the daemon without a word.
func (n *node) crash() { n.kill(); _ = n.wait() }

// pass lets virtual time go by.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// eventually waits, in steps of virtual time, until a claim holds.
func (w *world) eventually(claim string, holds func() bool) {
	w.Helper()
	w.within(100*time.Second, claim, holds)
}

// within waits so long of virtual time at most.
func (w *world) within(most time.Duration, claim string, holds func() bool) {
	w.Helper()
	for range most / (25 * time.Millisecond) {
		if holds() {
			return
		}
		w.pass(25 * time.Millisecond)
	}
	for _, n := range w.nodes {
		w.Logf("%s:\n%s", n.name, n.log.lines(slog.LevelInfo))
	}
	w.Fatalf("never: %s", claim)
}

// group is the newest published state of the group.
func (n *node) state() status.Group { return n.Snapshot().Groups[0] }

func (n *node) role() string { return n.state().Role }

func (n *node) bound() bool { s := n.state(); return s.Role == "active" && s.Addresses[0].Bound }

// conditions returns the codes of what holds now, those of the daemon included.
func (n *node) codes() []string {
	var codes []string
	s := n.Snapshot()
	for _, c := range slices.Concat(s.Conditions, s.Groups[0].Conditions) {
		codes = append(codes, c.Code)
	}
	return codes
}

// text returns the text of a condition, or "".
func (n *node) text(code string) string {
	s := n.Snapshot()
	for _, c := range slices.Concat(s.Conditions, s.Groups[0].Conditions) {
		if c.Code == code {
			return c.Text
		}
	}
	return ""
}

// journal keeps what a daemon logs.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

var _ io.Writer = (*journal)(nil)

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// lines returns what was logged at a level or above.
func (j *journal) lines(level slog.Level) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []string
	for line := range strings.Lines(j.text.String()) {
		if level <= slog.LevelDebug || !strings.Contains(line, "level=DEBUG") && (level <= slog.LevelInfo || !strings.Contains(line, "level=INFO")) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

func (j *journal) has(words string) bool { return strings.Contains(j.lines(slog.LevelDebug), words) }
