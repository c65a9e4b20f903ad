// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// The times of the cloud of the tests: each call, and until a move takes effect.
const (
	callTime = 20 * time.Millisecond
	moveTime = time.Second
)

// driver is one node's way to the fake cloud, without HTTP. Calls can be made to
// fail, or to vanish in a black hole.
type driver struct {
	w    *world
	node string
	caps providers.Capabilities

	hidePrivate bool                // owner reads tell no private addresses
	takes       time.Duration       // until a move takes effect
	loseReplies bool                // of writes, which take effect
	each        time.Duration       // how long a call takes
	stuck       map[netip.Addr]bool // of these no read comes back before its deadline

	mu     sync.Mutex
	fail   map[string]error // by operation: "owner", "assign", "preflight"
	lost   bool             // no call comes back before its deadline
	writes []string         // who asked to move the address where
	reads  int
	calls  int // of the API: a preflight is three
	hangs  map[string]bool
	asked  map[string]int // by operation
	mark   string         // of the credentials
}

// fingerprint is that of the credentials.
func (d *driver) fingerprint() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mark
}

// replaceCredentials changes it.
func (d *driver) replaceCredentials(mark string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mark = mark
}

func newDriver(w *world, node string) *driver {
	return &driver{w: w, node: node, takes: moveTime, each: callTime, stuck: map[netip.Addr]bool{}, fail: map[string]error{}, hangs: map[string]bool{}, asked: map[string]int{}, caps: providers.Capabilities{
		Target:     providers.PartInstance,
		AtomicMove: true, Asynchronous: true, IPv4: true, IPv6: true, Guest6: providers.GuestAddress,
		SettleTime: 5 * time.Second, MoveTimeout: 20 * time.Second, MinInterval: time.Second,
	}}
}

// set makes an operation fail from now on; nil: succeed.
func (d *driver) set(op string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail[op] = err
}

// slow makes every call take so long from now on.
func (d *driver) slow(each time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.each = each
}

// hang makes an operation end at its deadline from now on, or not any more.
func (d *driver) hang(op string, yes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hangs[op] = yes
}

// times returns how often an operation was asked for.
func (d *driver) times(op string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[op]
}

// resetCounts forgets what was asked for so far.
func (d *driver) resetCounts() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.asked)
}

func (d *driver) blackHole(yes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lost = yes
}

// count returns how many writes reached the driver, and how many reads.
func (d *driver) count() (writes, reads int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.writes), d.reads
}

// total returns how many calls of the API were made.
func (d *driver) total() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// begin is what every call starts with.
func (d *driver) begin(ctx context.Context, op string) error {
	d.mu.Lock()
	if d.calls++; op == "preflight" {
		d.calls += preflightCalls - 1
	}
	d.asked[op]++
	lost, err, each := d.lost || d.hangs[op], d.fail[op], d.each
	d.mu.Unlock()
	if lost {
		<-ctx.Done()
		return failure(op, providers.Transient, "", context.Cause(ctx))
	}
	select {
	case <-ctx.Done():
		return failure(op, providers.Canceled, "", context.Cause(ctx))
	case <-time.After(each):
		return err
	}
}

// failure is an error as drivers return it.
func failure(op string, k providers.Kind, code string, cause error) error {
	e := &providers.Error{Provider: "digitalocean", Op: op + " " + floating.String(), Kind: k, Code: code, Err: cause}
	if code != "" {
		e.RequestID = "4f2c"
	}
	return e
}

func denied(op string) error {
	return failure(op, providers.Denied, "401", errors.New("unable to authenticate you"))
}

func (d *driver) Capabilities() providers.Capabilities { return d.caps }

func (d *driver) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	d.mu.Lock()
	stuck := d.stuck[a.IP]
	d.mu.Unlock()
	if stuck {
		<-ctx.Done()
	}
	if err := d.begin(ctx, "owner"); err != nil {
		return providers.Assignment{}, err
	}
	d.mu.Lock()
	d.reads++
	d.mu.Unlock()
	view := d.w.cloud.View(0)
	address, err := view.Address(a.IP)
	if err != nil {
		return providers.Assignment{}, failure("owner", providers.NotFound, "404", err)
	}
	seen := providers.Assignment{Target: address.Holder, Pending: address.Pending != 0}
	if holder, err := view.Instance(address.Holder.Instance); err == nil && !d.hidePrivate {
		seen.PrivateAddresses = holder.Private
	}
	return seen, nil
}

func (d *driver) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	return d.submit(ctx, seen.Target.String()+" to "+to.String(), fakecloud.Request{Verb: fakecloud.Move, IP: a.IP, To: to})
}

// submit makes one write.
func (d *driver) submit(ctx context.Context, what string, r fakecloud.Request) (providers.Result, error) {
	if err := d.begin(ctx, "assign"); err != nil {
		return providers.Result{}, err
	}
	d.mu.Lock()
	d.writes = append(d.writes, what)
	d.mu.Unlock()
	r.Node, r.Delay = d.node, d.takes
	op, err := d.w.cloud.Submit(r)
	if err != nil {
		return providers.Result{}, failure("assign", providers.Conflict, "422", err)
	}
	time.AfterFunc(d.takes, func() { d.w.cloud.Holder(r.IP) }) // the model moves on when somebody looks
	if d.loseReplies {
		return providers.Result{}, failure("assign", providers.Ambiguous, "", errors.New("the connection ended"))
	}
	return providers.Result{RequestID: "4f2d", Operation: strconv.FormatInt(op.ID, 10)}, nil
}

func (d *driver) InstanceState(ctx context.Context, t providers.Target) (providers.InstanceState, error) {
	if err := d.begin(ctx, "instance"); err != nil {
		return providers.InstanceUnknown, err
	}
	i, err := d.w.cloud.View(0).Instance(t.Instance)
	if err != nil {
		return providers.InstanceUnknown, failure("instance", providers.NotFound, "404", err)
	}
	return i.State, nil
}

func (d *driver) Preflight(ctx context.Context, _ providers.Address, _ providers.Target) error {
	return d.begin(ctx, "preflight")
}

// source is one node's metadata service.
type source struct {
	mu   sync.Mutex
	id   metadata.Identity
	err  error
	slow time.Duration // how long an answer takes
}

func (s *source) Cloud() string { return "digitalocean" }

func (s *source) Identity(ctx context.Context) (metadata.Identity, error) {
	if s.slow > 0 {
		select {
		case <-time.After(s.slow):
		case <-ctx.Done():
			return metadata.Identity{}, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return metadata.Identity{}, s.err
	}
	return s.id, nil
}

func (s *source) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// addresses is what one machine's kernel calls local.
type addresses struct {
	mu  sync.Mutex
	has netip.Addr
	err error
}

func (a *addresses) local(_ context.Context, addr netip.Addr) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err == nil && addr == a.has, a.err
}

func (a *addresses) set(has netip.Addr, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.has, a.err = has, err
}

// known lets a daemon that does not run know who this machine is.
func (n *node) known() {
	n.located(ownAddress{asked: true, addr: n.engine.cfg.OwnAddress(), local: true})
	n.identified(n.engine.clouds.presences["digitalocean"], n.meta.id, nil)
}

// probe is the health check of the service on one node.
type probe struct {
	mu  sync.Mutex
	err error
}

func (p *probe) Ask(context.Context, health.Values) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return "asked", p.err
}

func (p *probe) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *probe) Problems() []health.Problem { return nil }

func (p *probe) String() string { return "a test" }

// brokenInterfaces cannot be changed as long as err is set.
type brokenInterfaces struct {
	netif.Interfaces
	mu    sync.Mutex
	err   error
	tries int
}

func (b *brokenInterfaces) AddHost(ctx context.Context, a netip.Addr, iface string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		b.tries++
		return false, b.err
	}
	return b.Interfaces.AddHost(ctx, a, iface)
}

// set changes the error and returns how many attempts have failed.
func (b *brokenInterfaces) set(err error) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
	return b.tries
}
