// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"
	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/internal/telemetry"
	"github.com/fipctl/fipctl/internal/transport"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
	"github.com/fipctl/fipctl/pkg/metadata"
)

// Options is what a daemon is started with.
type Options struct {
	Config *config.Config // validated
	Load   config.Options // how it was read, for a reload
	Log    *slog.Logger
	// LogLevel is what Log writes; a reload sets it. Nil: Log is left as it is.
	LogLevel *slog.LevelVar
	// LogQueue is where Log's lines wait to be written; the daemon writes them. Nil: Log
	// writes itself.
	LogQueue *telemetry.LogQueue
	Version  string
	// GuestEndpoint is where guest steps go instead of this machine's kernel, for labs
	// without root (netif.Remote). Empty: they go to the kernel.
	GuestEndpoint string
}

// task is something that runs beside the engine until its context ends, and then
// returns nil.
type task interface {
	Run(ctx context.Context) error
	String() string
}

// parts is what a daemon is made of besides its configuration.
type parts struct {
	clouds func(*config.Config) (*clouds, error) // makes the drivers; again at every reload
	net    transport.Transport
	clock  *clock
	look   func() clocks // nil: the clocks are not compared
	ifaces netif.Interfaces
	local  func(context.Context, netip.Addr) (bool, error) // netif.IsLocal
	socket net.Listener                                    // of the control socket; nil: none
	reader net.Listener                                    // of the socket that only reads; nil: none
	listen net.Listener                                    // of metrics; nil: none

	manager *manager // nil: there is none
}

// daemon is everything that runs.
type daemon struct {
	*engine
	parts parts
	opts  Options

	wg      sync.WaitGroup
	failed  chan error // capacity 1: the first task that failed
	ctx     context.Context
	cancel  context.CancelFunc
	looker  *addressTask                // for this node's address
	reloads reloads                     // what SIGHUP asks for
	running map[task]context.CancelFunc // what belongs to the configuration in force
}

// Run is fipctl run: it returns when the node has left, with nil, or when
// something failed without which it makes no sense to go on.
func Run(ctx context.Context, o Options) error {
	defer writeLog(o.LogQueue)()
	if err := keepPrivate(); err != nil {
		o.Log.Warn("checks can read the daemon's environment", "error", err)
	}
	p, err := openParts(o)
	if err != nil {
		return err
	}
	defer p.net.Close()
	d, err := assemble(o, p)
	if err != nil {
		p.closeListeners()
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGHUP)
	defer signal.Stop(signals)
	return d.run(ctx, signals)
}

// openParts opens the sockets. The control socket is first: where another daemon runs, it
// tells best which.
func openParts(o Options) (p parts, err error) {
	p = parts{
		clouds: func(cfg *config.Config) (*clouds, error) { return openClouds(cfg, o.Version) },
		clock:  newClock(boottime), look: systemClocks, manager: systemd(), local: netif.IsLocal,
	}
	defer func() {
		if err != nil {
			p.closeListeners()
		}
	}()
	cfg := o.Config
	if p.ifaces, err = openInterfaces(o); err != nil {
		return p, err
	}
	if p.socket, err = status.Listen(cfg.Control.Socket, cfg.Control.Mode, cfg.Control.Group); err != nil {
		return p, err
	}
	if r := cfg.Control.Reader; r.Socket != "" {
		if p.reader, err = status.Listen(r.Socket, r.Mode, r.Group); err != nil {
			return p, err
		}
	}
	if cfg.Metrics.Enabled() {
		at := cfg.Metrics.Listen
		if p.listen, err = net.Listen("tcp", at.String()); err != nil {
			return p, fmt.Errorf("open metrics: %w", whoHas("tcp", at, err))
		}
	}
	udp, err := transport.ListenUDP(cfg.Listen)
	if err != nil {
		return p, fmt.Errorf("open transport: %w", whoHas("udp", cfg.Listen, err))
	}
	p.net = udp
	return p, nil
}

// openInterfaces returns where guest steps go.
func openInterfaces(o Options) (netif.Interfaces, error) {
	if o.GuestEndpoint == "" {
		return netif.Kernel{}, nil
	}
	o.Log.Warn("guest steps go to an endpoint and not to the kernel", "endpoint", o.GuestEndpoint)
	return netif.NewRemote(o.GuestEndpoint, o.Config.Node)
}

func (p parts) closeListeners() {
	for _, l := range []net.Listener{p.socket, p.reader, p.listen} {
		if l != nil {
			l.Close()
		}
	}
}

// assemble makes the engine, with nothing running.
func assemble(o Options, p parts) (*daemon, error) {
	cs, err := p.clouds(o.Config)
	if err != nil {
		return nil, err
	}
	e, err := newEngine(o, p, cs)
	if err != nil {
		return nil, err
	}
	if p.manager == nil {
		p.manager = &manager{}
	}
	return &daemon{engine: e, parts: p, opts: o, failed: make(chan error, 1), reloads: make(reloads, 1)}, nil
}

// newEngine makes the engine of a configuration.
func newEngine(o Options, p parts, cs *clouds) (*engine, error) {
	cfg := o.Config
	var seed [8]byte
	if _, err := io.ReadFull(rand.Reader, seed[:]); err != nil {
		return nil, fmt.Errorf("draw session: %w", err)
	}
	e := &engine{
		log: o.Log, clock: p.clock, look: p.look, random: rand.Reader, jitter: mathrand.Float64,
		metrics: telemetry.New(o.Version), version: o.Version, started: time.Now().UTC(),
		marks: newMarkWriter(drainMarks{cfg.StateDir, cfg.Cluster.ID, cfg.Node}), ifaces: p.ifaces,
		session: binary.BigEndian.Uint64(seed[:]) | 1,
		net:     p.net, inbox: transport.NewInbox(p.net, transport.InboxSize),
		receiver: wire.Receiver{Cluster: cfg.Cluster.ID, Node: cfg.Node},
		peers:    map[string]netip.AddrPort{}, refusals: map[string]election.Instant{}, complaints: map[complaint]election.Instant{}, askers: newAskers(),
		namesakes: map[string]*namesakes{}, heardFrom: map[string]netip.AddrPort{}, alsoFrom: map[string]netip.AddrPort{},
		badAt: map[string]election.Instant{}, unsayable: map[string]error{}, voice: true,
		facts: make(chan func(), factsMax), done: make(chan struct{}),
		down:     map[string]netif.Event{},
		machines: map[machineKey]*inspection{}, placings: map[string]*placing{},
		raised: map[conditionKey]time.Time{}, settling: map[conditionKey]time.Time{},
	}
	if o.LogQueue != nil {
		e.metrics.FollowLog(o.LogQueue.Lost)
	}
	e.metrics.FollowNetwork(p.net.Dropped)
	e.marks.report = func(group string, err error) { e.post(func() { e.marked(group, err) }) }
	e.receiver.Old = e.old
	e.furnish(cs, cfg)
	groups, err := e.newGroups(cfg, cs)
	if err != nil {
		return nil, err
	}
	drained, marred := readMarks(e.marks.drainMarks, namesOf(cfg.Groups))
	e.marred = marred
	e.adopt(cfg, cs, groups, drained)
	if e.machine, err = election.New(electionConfig(cfg, cs, e.session, drained), e.clock.now()); err != nil {
		return nil, err
	}
	e.beat.Store(int64(e.clock.now()))
	e.publish(e.clock.now())
	e.metrics.FollowEngine(func() time.Duration { age, _ := e.standing(); return age })
	return e, nil
}

// run starts every task, waits until the node has left or something failed, and
// then ends them in order: the engine has said its last word before the network
// and the control socket close.
func (d *daemon) run(ctx context.Context, signals <-chan os.Signal) error {
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer d.cancel()
	d.start(d.ctx, d.inbox, d.marks, d.newGuestWatch())
	if d.parts.socket != nil {
		d.start(d.ctx, status.NewServer(d.parts.socket, orders{d.engine}, d.log))
	}
	if d.parts.reader != nil {
		d.start(d.ctx, status.NewReader(d.parts.reader, orders{d.engine}, d.log))
	}
	if d.parts.listen != nil {
		d.start(d.ctx, d.newMetricsServer())
	}
	d.startGroups()
	d.warn(d.cfg)
	d.log.Info("started", "cluster", d.cfg.Cluster.ID, "node", d.node(), "version", d.version, "listen", d.net.LocalAddr().String())
	engine := make(chan error, 1)
	d.wg.Go(func() { engine <- d.engine.Run(d.ctx) })
	d.engine.post(d.introduce)
	d.parts.manager.notify(sdnotify.SdNotifyReady)
	d.start(d.ctx, watchdog{d.parts.manager, d.log, d.standing}, reloader{d})

	err := d.wait(ctx, signals, engine)
	d.cancel()
	d.end(signals)
	return err
}

// tasksEnd is how long the end of the daemon waits for its tasks. All end within
// milliseconds, and a killed check within a quarter of a second, but one that the kernel
// holds, in a file system that hangs, may never.
const tasksEnd = 2 * time.Second

// end waits for the tasks, whose context has ended. A stop that comes meanwhile takes back
// what a restart has announced.
func (d *daemon) end(signals <-chan os.Signal) {
	ended := make(chan struct{})
	go func() { d.wg.Wait(); close(ended) }()
	late := time.NewTimer(tasksEnd)
	defer late.Stop()
	for waits := true; waits; {
		select {
		case <-ended:
			waits = false
		case <-late.C:
			d.log.Warn("a task did not end; left without it", "after", telemetry.Short(tasksEnd))
			waits = false
		case s := <-signals:
			d.saidLate(s)
		}
	}
	for len(signals) > 0 {
		d.saidLate(<-signals)
	}
}

// saidLate handles a signal that comes after the engine's end.
func (d *daemon) saidLate(s os.Signal) {
	if s == syscall.SIGTERM || s == syscall.SIGINT {
		d.engine.stayAway()
	}
}

// repeatsFor is how long a signal that comes again is the same order: supervisors tell the
// process and its group.
const repeatsFor = time.Second

// wait handles signals until the engine ends or a task fails. It waits for nothing else:
// not for the manager, nor a file that a reload reads, nor a queue of the engine's.
func (d *daemon) wait(ctx context.Context, signals <-chan os.Signal, engine <-chan error) error {
	var told os.Signal // which this node leaves by; nil: it does not, or by the end of ctx
	var at time.Time
	var restart atomic.Bool // by the newest order, for when the engine comes to it
	leaving := false
	done := ctx.Done()
	leave := func(by os.Signal) {
		leaving, told, at = true, by, time.Now()
		restart.Store(by == syscall.SIGUSR1)
		d.parts.manager.notify(sdnotify.SdNotifyStopping)
		d.wg.Go(func() { d.engine.post(func() { d.engine.leave(restart.Load()) }) })
	}
	for {
		select {
		case err := <-engine:
			if leaving && !restart.Load() {
				d.engine.stayAway()
			}
			return err
		case err := <-d.failed:
			return err
		case <-done:
			done = nil
			if !leaving {
				leave(nil)
			}
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP && leaving:
				d.log.Warn("reload refused", "reason", election.ReasonStopping.String())
			case s == syscall.SIGHUP:
				d.reloads.ask()
			case !leaving, told == syscall.SIGUSR1 && s != told: // it does not come back after all
				leave(s)
			case s == told && time.Since(at) < repeatsFor, s == syscall.SIGUSR1 && s != told:
				d.log.Info("leaving already", "signal", s.String())
			default:
				d.log.Warn("leaving at once", "signal", s.String())
				return errors.New("told twice to stop: left without handing over")
			}
		}
	}
}

// start runs tasks until ctx ends. One that fails ends the daemon.
func (d *daemon) start(ctx context.Context, tasks ...task) {
	for _, t := range tasks {
		d.wg.Go(func() {
			if err := t.Run(ctx); err != nil {
				select {
				case d.failed <- fmt.Errorf("%s: %w", t, err):
				default: // the first failure is told
				}
			}
		})
	}
}

// startGroups starts what belongs to the configuration in force and does not run yet, and
// ends what does not belong to it any more. Whoever calls it has the engine to himself.
func (d *daemon) startGroups() {
	before := d.running
	d.running = map[task]context.CancelFunc{}
	for _, t := range d.belonging() {
		cancel, runs := before[t]
		if !runs {
			var ctx context.Context
			ctx, cancel = context.WithCancel(d.ctx)
			d.start(ctx, t)
		}
		d.running[t] = cancel
		delete(before, t)
	}
	for _, cancel := range before {
		cancel()
	}
	if runsPrograms(d.cfg) {
		if err := health.Inherited(); err != nil {
			d.log.Warn("checks are favoured like the daemon", "error", err)
		}
	}
}

// belonging returns what runs for the configuration in force: the tasks of every group and
// provider, and who this machine is. What did not change is the same task as before.
func (d *daemon) belonging() []task {
	d.looker = d.looker.following(d.newAddressTask(d.parts.local))
	tasks := []task{d.looker}
	for _, p := range d.clouds.providers() {
		if p.task == nil {
			p.task = d.identityTask(p)
			d.log.Info("provider", "name", p.provider, "credentials", p.credentials)
		}
		tasks = append(tasks, p.task)
	}
	for _, c := range d.clouds.sorted() {
		tasks = append(tasks, c.tasks()...)
	}
	for _, g := range d.engine.groups {
		tasks = append(tasks, g.tasks()...)
	}
	return tasks
}

// warn says what is allowed in a configuration and hardly meant.
func (d *daemon) warn(cfg *config.Config) {
	for _, w := range cfg.Warnings {
		d.log.Warn("configuration", "problem", w.String())
	}
}

func (d *daemon) identityTask(p *presence) *identityTask {
	return &identityTask{name: p.provider, source: p.source, metrics: d.engine.metrics, report: func(id metadata.Identity, err error) {
		d.engine.post(func() {
			if d.clouds.presences[p.provider] == p {
				d.identified(p, id, err)
			}
		})
	}}
}
