// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/internal/telemetry"
	"github.com/fipctl/fipctl/internal/transport"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
)

// engine owns the election machine and all that belongs to it. Its methods run in
// the goroutine of Run, except post, call, permit and snapshot.
type engine struct {
	log     *slog.Logger
	clock   *clock
	look    func() clocks  // nil: the clocks are not compared
	looked  clocks         // at the last look
	random  io.Reader      // nonces
	jitter  func() float64 // 0 to 1
	metrics *telemetry.Metrics
	version string
	started time.Time

	cfg        *config.Config
	machine    *election.Machine
	groups     []*group
	clouds     *clouds
	anchor     atomic.Pointer[netip.Addr] // read by the checks
	anchoredAt time.Time                  // when that changed
	marks      *markWriter
	ifaces     netif.Interfaces
	down       map[string]netif.Event // the interfaces that carry nothing, by name

	net      transport.Transport
	inbox    *transport.Inbox
	packet   transport.Packet
	receiver wire.Receiver
	message  wire.Message
	session  uint64
	out      []byte
	peers    map[string]netip.AddrPort
	refusals map[string]election.Instant // when a peer's host last said that nothing listens
	askers   *askers                     // whose probes are answered
	probes   uint64                      // sequence of our own
	badAt    map[string]election.Instant // when the machine was last told of a bad signature, by peer
	// The nodes, by name, that somebody else may speak for; whence what was accepted of each
	// came last, and what was not.
	namesakes           map[string]*namesakes
	heardFrom, alsoFrom map[string]netip.AddrPort
	unsayable           map[string]error // why no advert could be built last, by peer
	voice               bool             // there are none, as the election knows

	complaints map[complaint]election.Instant // when they were told last

	facts   chan func()   // what ran beside the engine puts its findings here
	done    chan struct{} // closed when the engine ends
	timer   *time.Timer
	beat    atomic.Int64 // instant of the last turn of the loop
	current atomic.Pointer[published]
	fresh   election.Instant // when the snapshot was taken
	stale   bool             // something may have changed since
	dropped uint64

	placings map[string]*placing        // by provider
	placed   []status.Placement         // what they said
	machines map[machineKey]*inspection // of owners that are strangers or silent
	readsAt  election.Instant           // when an owner read may be due; 0: not by time alone
	asidesAt election.Instant           // and a question beside them
	// servicesAt is when the user's probe is due next; 0: not by time alone.
	servicesAt election.Instant

	settling map[conditionKey]time.Time // since when a condition holds that does not show yet
	raised   map[conditionKey]time.Time // since when each condition holds
	marred   []error                    // drain marks that were set aside
	reload   error                      // why the last SIGHUP changed nothing

	own ownAddress
	led bool // this daemon has led some group

	leaving bool
	restart bool
	leaveBy election.Instant
	ended   bool
	recent  []string // the last transitions, for a crash report
}

// factsMax bounds what waits for the engine. Every task has at most one finding
// under way, so it is reached only if the engine stands still; then they wait.
const factsMax = 256

// publishEvery is how often the snapshot is renewed at most.
const publishEvery = 100 * time.Millisecond

// String names the task.
func (e *engine) String() string { return "engine" }

// post hands f to the engine's goroutine. It waits while the queue is full and
// gives up when the engine has ended.
func (e *engine) post(f func()) {
	select {
	case e.facts <- f:
	case <-e.done:
	}
}

var errEnded = errors.New("the daemon is stopping")

// call runs f in the engine's goroutine and waits for it. When ctx ends before the engine
// has come to f, f never runs: what somebody was told had failed must not happen later. After
// errEnded it may have run in part, and what it writes must be left alone.
func (e *engine) call(ctx context.Context, f func()) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var taken atomic.Bool // by the engine, which runs it, or by the caller, who gave up
	ran := make(chan struct{})
	select {
	case e.facts <- func() {
		if taken.CompareAndSwap(false, true) {
			f()
			close(ran)
		}
	}:
	case <-e.done:
		return errEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-ran:
		return nil
	case <-e.done:
		return errEnded
	case <-ctx.Done():
		if taken.CompareAndSwap(false, true) {
			return context.Cause(ctx)
		}
	}
	select { // the engine is at it
	case <-ran:
		return nil
	case <-e.done:
		return errEnded
	}
}

// Run turns until the node has left or ctx ends. A broken invariant ends it
// without a word on the wire: a dead node is safe here, a confused one is not.
func (e *engine) Run(ctx context.Context) (err error) {
	defer close(e.done)
	defer func() {
		if p := recover(); p != nil {
			e.log.Error("engine failed", "panic", fmt.Sprint(p), "recent", e.recent, "stack", string(debug.Stack()))
			err = fmt.Errorf("run engine: %v", p)
		}
	}()
	e.timer = time.NewTimer(0)
	defer e.timer.Stop()
	for !e.ended {
		select {
		case <-ctx.Done():
			return nil
		case <-e.inbox.Ready():
			e.watchClocks()
			e.receive()
		case f := <-e.facts:
			e.watchClocks()
			f()
		case <-e.timer.C:
			e.watchClocks()
			e.tick()
		}
		e.turn()
	}
	return nil
}

// turn ends every turn of the loop: it begins the reads that are wanted, notices
// whether leaving is over, renews the snapshot and sets the alarm.
func (e *engine) turn() {
	now := e.clock.now()
	e.beat.Store(int64(now))
	e.startReads(now)
	e.startAsides(now)
	e.startServiceProbes(now)
	if e.leaving && !e.ended && (now >= e.leaveBy || e.machine.Status().Left && !e.tidying()) {
		e.depart()
	}
	if e.stale = now.Sub(e.fresh) < publishEvery; !e.stale {
		e.publish(now)
	}
	e.timer.Reset(max(0, e.nextAlarm().Sub(now)))
}

// nextAlarm returns when time alone will change something.
func (e *engine) nextAlarm() election.Instant {
	next := e.machine.Deadline()
	if e.leaving {
		next = min(next, e.leaveBy)
	}
	if e.stale {
		next = min(next, e.fresh.Add(publishEvery))
	}
	for _, at := range []election.Instant{e.readsAt, e.asidesAt, e.servicesAt} {
		if at != 0 {
			next = min(next, at)
		}
	}
	for _, g := range e.groups {
		if g.until != 0 && !g.busy {
			next = min(next, g.until)
		}
	}
	return next
}

// tick lets time act.
func (e *engine) tick() {
	now := e.clock.now()
	if now >= e.machine.Deadline() {
		e.step(election.Tick{})
		return
	}
	for _, g := range e.groups {
		if g.until != 0 && now >= g.until {
			e.decide(g)
		}
	}
}

// step gives the machine one event, carries out what it wants, and lets the
// controller of every group look at the result.
func (e *engine) step(ev election.Event) {
	for _, a := range e.machine.Step(e.clock.now(), ev) {
		e.carryOut(a)
	}
	if voice := len(e.unsayable) == 0; voice != e.voice {
		e.voice = voice
		e.step(election.Voice{OK: voice})
		return
	}
	if e.machine.Unmoved() {
		return
	}
	now := e.clock.now()
	for _, g := range e.groups {
		e.decideAt(g, now)
	}
}

// carryOut does what the machine wants. It never calls the machine.
func (e *engine) carryOut(a election.Action) {
	g := e.group(a.Group)
	switch a.Kind {
	case election.Send:
		e.sendAdvert(a.Peer, a.Advert)
	case election.SendProbe:
		e.sendProbe(g)
	case election.CheckNow:
		if g != nil {
			for _, c := range g.checkers {
				c.Now()
			}
		}
	case election.Cancel:
		if g != nil {
			g.runner.Cancel()
			g.guest.Cancel()
		}
	case election.Changed:
		e.roleChanged(g, a)
	case election.Held:
		e.held(g, a)
	case election.Latched:
		e.log.Warn("peer latched", "group", a.Group, "peer", a.Peer, "reason", a.Reason.String())
	case election.Unlatched:
		e.log.Info("peer unlatched", "group", a.Group, "peer", a.Peer, "reason", a.Reason.String())
	case election.Refused:
		e.metrics.AdvertRefused(a.Reason)
		e.log.Debug("advert refused", "peer", a.Peer, "reason", a.Reason.String())
		e.complain(a.Peer, a.Reason)
	case election.Noted:
		e.noted(a)
	}
}

// owners says for the log who holds the addresses of a group by the last read, and when that
// node was last heard.
func (e *engine) owners(g *group) []any {
	switch o := g.owner; o.Kind {
	case election.OwnerNone:
		return []any{"owner", "nobody"}
	case election.OwnerForeign:
		return []any{"owner", "a stranger"}
	case election.OwnerNode:
		args := []any{"owner", o.Node}
		for _, n := range e.groupStatus(g).Nodes {
			if n.Name == o.Node && n.Heard {
				args = append(args, "owner_heard_ago", telemetry.Short(e.clock.now().Sub(n.At)))
			}
		}
		return args
	default:
		return []any{"owner", "unknown"}
	}
}

// roleChanged tells of a transition, in one line, and starts to measure a claim.
func (e *engine) roleChanged(g *group, a election.Action) {
	args := []any{"group", a.Group, "from", a.From.String(), "to", a.To.String(), "reason", a.Reason.String(), "term", a.Term.Number}
	if g != nil && a.To == election.Active {
		args = append(args, e.owners(g)...)
	}
	e.log.Info("role changed", args...)
	e.remember(fmt.Sprintf("%s %s->%s %s", a.Group, a.From, a.To, a.Reason))
	e.metrics.Transition(a.Group, a.From, a.To, a.Reason)
	e.metrics.Role(a.Group, a.To)
	if g == nil {
		return
	}
	now := e.clock.now()
	g.preflightAnew(now)
	g.phases = phases{}
	if a.To == election.Active {
		e.led = true
		g.refusal = nil
		g.phases.claimed, g.phases.from = now, g.owner
		e.noteDetached(g)
		if since := e.machine.Permit(g.cfg.Name).Since; since > 0 && a.Reason != election.ReasonResumedBound {
			e.metrics.Phase(telemetry.PhaseDetect, now.Sub(since))
		}
	}
	if a.To == election.Drained && !g.mark.set {
		e.mark(g, true)
	}
}

// held tells what a group waits for. What holds a backup while all is well is no
// news.
func (e *engine) held(g *group, a election.Action) {
	if a.Reason == election.ReasonNone || a.Reason == election.ReasonClaimInProgress {
		return
	}
	level, text := slog.LevelInfo, a.Reason.Text()
	if a.Reason == election.ReasonOwnerNeverHeard {
		level, text = slog.LevelWarn, e.neverHeard(g, e.groupStatus(g))
	}
	e.log.Log(context.Background(), level, "group waits", "group", a.Group, "reason", a.Reason.String(), "text", text)
}

func (e *engine) noted(a election.Action) {
	args := []any{"reason", a.Reason.String(), "text", a.Reason.Text()}
	if a.Group != "" {
		args = append(args, "group", a.Group)
	}
	if a.Peer != "" {
		args = append(args, "peer", a.Peer)
	}
	level := slog.LevelInfo
	switch a.Reason {
	case election.ReasonOwnStall, election.ReasonHandoverFailed, election.ReasonHandoverExpired,
		election.ReasonClaimFailed, election.ReasonNoSuccessor, election.ReasonReclaimed:
		level = slog.LevelWarn
	}
	e.log.Log(context.Background(), level, "noted", args...)
}

// remember keeps the last transitions for a crash report.
func (e *engine) remember(s string) {
	if len(e.recent) == 20 {
		e.recent = append(e.recent[:0], e.recent[1:]...)
	}
	e.recent = append(e.recent, time.Now().UTC().Format(time.RFC3339Nano)+" "+s)
}

// group returns the group of that name, or nil.
func (e *engine) group(name string) *group {
	for _, g := range e.groups {
		if g.cfg.Name == name {
			return g
		}
	}
	return nil
}
