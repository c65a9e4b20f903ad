// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package telemetry

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Metrics records. All methods are safe for concurrent use and never block on
// anything but a short lock.
type Metrics struct {
	registry *prometheus.Registry

	mu     sync.Mutex
	groups []string // as SetGroups was last told
	peers  []string // as SetPeers was last told

	role          *prometheus.GaugeVec
	elected       *prometheus.GaugeVec
	bound         *prometheus.GaugeVec
	answering     *prometheus.GaugeVec
	disagreement  *prometheus.GaugeVec
	verified      *prometheus.GaugeVec
	transitions   *prometheus.CounterVec
	advertsSent   *prometheus.CounterVec
	advertsTaken  *prometheus.CounterVec
	advertsRefuse *prometheus.CounterVec
	peerLast      *prometheus.GaugeVec
	dropped       prometheus.Counter
	overrun       atomic.Pointer[func() uint64] // nil: there is no socket
	calls         *prometheus.CounterVec
	callTime      *prometheus.HistogramVec
	callsLeft     *prometheus.GaugeVec
	callsLimit    *prometheus.GaugeVec
	phaseTime     *prometheus.HistogramVec
	announcements *prometheus.CounterVec
	linesLost     atomic.Pointer[func() uint64]        // nil: none is
	engineAge     atomic.Pointer[func() time.Duration] // nil: there is no engine
	putBacks      *prometheus.CounterVec
	inconclusive  *prometheus.GaugeVec
}

// New returns metrics with a registry of their own. Version is that of the
// program, as `fipctl version` shows it.
func New(version string) *Metrics {
	m := &Metrics{
		registry:      prometheus.NewRegistry(),
		role:          gauge(nameRole, "1 for the role this node has in the group, 0 for the others.", labelGroup, labelRole),
		elected:       gauge(nameElected, "1 while this node is active in the group.", labelGroup),
		bound:         gauge(nameBound, "1 while the cloud says that this node owns every address of the group.", labelGroup),
		answering:     gauge(nameAnswering, "1 while a probe through the address reaches this node; absent while unknown.", labelGroup),
		disagreement:  gauge(nameDisagreement, "1 while elected, bound and answering differ on this node.", labelGroup),
		verified:      gauge(nameVerified, "When the last successful owner read of the group began.", labelGroup),
		transitions:   counter(nameTransitions, "Changes of role on this node.", labelGroup, labelFrom, labelTo, labelReason),
		advertsSent:   counter(nameAdvertsSent, "Adverts sent to a peer.", labelPeer),
		advertsTaken:  counter(nameAdvertsAccepted, "Adverts accepted from a peer.", labelPeer),
		advertsRefuse: counter(nameAdvertsRefused, "Datagrams refused.", labelReason),
		peerLast:      gauge(namePeerLastAdvert, "When the last advert of a peer was accepted.", labelPeer),
		dropped:       prometheus.NewCounter(prometheus.CounterOpts{Name: nameDatagramsDropped, Help: "Datagrams dropped because the queue was full."}),
		calls:         counter(nameProviderCalls, "Calls of a provider or its metadata service by outcome.", labelProvider, labelOp, labelKind),
		callTime:      histogram(nameProviderCallTime, "Duration of calls of a provider.", callBuckets, labelProvider, labelOp),
		callsLeft:     gauge(nameCallsRemaining, "Calls of the account that remain, as the provider last told; absent where it does not.", labelProvider),
		callsLimit:    gauge(nameCallsLimit, "Calls of the account that the provider allows in the time it counts; absent where it does not tell.", labelProvider),
		phaseTime:     histogram(nameFailoverPhaseTime, "Duration of the phases of a failover won by this node.", phaseBuckets, labelPhase),
		announcements: counter(nameAnnouncements, "Announcements of the group's addresses by ARP.", labelGroup),
		putBacks:      counter(namePutBacks, "Addresses of the group that somebody else took off this machine and that were put back.", labelGroup),
		inconclusive:  gauge(nameInconclusive, "Checks of this node that cannot tell.", labelGroup),
	}
	lost := prometheus.NewCounterFunc(prometheus.CounterOpts{Name: nameLinesLost, Help: "Lines of the log that were not written."}, m.countLines)
	overrun := prometheus.NewCounterFunc(prometheus.CounterOpts{Name: nameDatagramsOverrun, Help: "Datagrams that the kernel dropped because the daemon did not take them in time."}, m.countOverrun)
	build := gauge(nameBuildInfo, "Always 1; the labels say what runs.", labelVersion, labelGo)
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(build, m.role, m.elected, m.bound, m.answering, m.disagreement, m.verified, m.transitions,
		m.advertsSent, m.advertsTaken, m.advertsRefuse, m.peerLast, m.dropped, m.calls, m.callTime, m.callsLeft, m.callsLimit, m.phaseTime, m.announcements, m.putBacks, m.inconclusive, lost, overrun,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: nameEngineAge, Help: "How long ago the engine last ran."}, m.measureEngine))
	for _, r := range datagramReasons() {
		m.advertsRefuse.WithLabelValues(r.String())
	}
	for _, p := range []Phase{PhaseDetect, PhaseDecide, PhaseAPI, PhaseAnswer, PhaseGap} {
		m.phaseTime.WithLabelValues(string(p))
	}
	return m
}

// datagramReasons are the reasons for which a datagram is refused, so that each
// series exists before the first one.
func datagramReasons() []election.Reason {
	return slices.DeleteFunc(election.Reasons(), func(r election.Reason) bool { return r < election.ReasonBadVersion })
}

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// SetGroups makes the gauges of groups not seen before, in role initialize and
// bound nowhere, and drops those of groups no longer named. Counters stay.
func (m *Metrics) SetGroups(names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range m.groups {
		if slices.Contains(names, g) {
			continue
		}
		for _, v := range []*prometheus.GaugeVec{m.role, m.elected, m.bound, m.answering, m.disagreement, m.verified, m.inconclusive} {
			v.DeletePartialMatch(prometheus.Labels{labelGroup: g})
		}
	}
	for _, g := range names {
		if !slices.Contains(m.groups, g) {
			m.Role(g, election.Initialize)
			m.Bound(g, false)
			m.Disagreement(g, false)
			m.ChecksInconclusive(g, 0)
		}
	}
	m.groups = slices.Clone(names)
}

// SetPeers makes the counters of the named peers and drops the time of the last
// advert of peers no longer named.
func (m *Metrics) SetPeers(names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.peers {
		if !slices.Contains(names, p) {
			m.peerLast.DeleteLabelValues(p)
		}
	}
	for _, p := range names {
		m.advertsSent.WithLabelValues(p)
		m.advertsTaken.WithLabelValues(p)
	}
	m.peers = slices.Clone(names)
}

// Role records this node's role in a group, and with it whether it is elected.
func (m *Metrics) Role(group string, r election.Role) {
	for _, each := range election.Roles() {
		m.role.WithLabelValues(group, each.String()).Set(number(each == r))
	}
	m.elected.WithLabelValues(group).Set(number(r == election.Active))
}

// Bound records whether the cloud says that this node owns the group's addresses.
func (m *Metrics) Bound(group string, yes bool) { m.bound.WithLabelValues(group).Set(number(yes)) }

// Answering records whether a probe through the address reaches this node. Nil
// means unknown: the series goes away, since neither 0 nor 1 would be true.
func (m *Metrics) Answering(group string, a *bool) {
	if a == nil {
		m.answering.DeleteLabelValues(group)
		return
	}
	m.answering.WithLabelValues(group).Set(number(*a))
}

// Disagreement records whether elected, bound and answering differ.
func (m *Metrics) Disagreement(group string, yes bool) {
	m.disagreement.WithLabelValues(group).Set(number(yes))
}

// Verified records when the last successful owner read of a group began.
func (m *Metrics) Verified(group string, at time.Time) {
	m.verified.WithLabelValues(group).Set(seconds(at))
}

// Transition counts one change of role.
func (m *Metrics) Transition(group string, from, to election.Role, why election.Reason) {
	m.transitions.WithLabelValues(group, from.String(), to.String(), why.String()).Inc()
}

// AdvertSent counts one advert that left for a peer.
func (m *Metrics) AdvertSent(peer string) { m.advertsSent.WithLabelValues(peer).Inc() }

// AdvertAccepted counts one advert accepted from a peer at the given time.
func (m *Metrics) AdvertAccepted(peer string, at time.Time) {
	m.advertsTaken.WithLabelValues(peer).Inc()
	m.peerLast.WithLabelValues(peer).Set(seconds(at))
}

// AdvertRefused counts one datagram that was refused. There is no peer label:
// the sender that a refused datagram names proves nothing.
func (m *Metrics) AdvertRefused(why election.Reason) {
	m.advertsRefuse.WithLabelValues(why.String()).Inc()
}

// DatagramsDropped counts n datagrams lost to a full queue.
func (m *Metrics) DatagramsDropped(n int) { m.dropped.Add(float64(max(n, 0))) }

// ProviderCall counts one call, its outcome and how long it took.
func (m *Metrics) ProviderCall(provider string, op Op, err error, took time.Duration) {
	kind := kindOK
	if err != nil {
		kind = providers.KindOf(err).String()
	}
	m.calls.WithLabelValues(provider, string(op), kind).Inc()
	m.callTime.WithLabelValues(provider, string(op)).Observe(took.Seconds())
}

// CallsLeft records what a provider says is left of the account's calls.
func (m *Metrics) CallsLeft(provider string, limit, remaining int) {
	m.callsLimit.WithLabelValues(provider).Set(float64(limit))
	m.callsLeft.WithLabelValues(provider).Set(float64(remaining))
}

// Phase records how long one phase of a failover took.
func (m *Metrics) Phase(p Phase, d time.Duration) {
	m.phaseTime.WithLabelValues(string(p)).Observe(d.Seconds())
}

// Announced counts one announcement that left, of a claim or to refresh.
func (m *Metrics) Announced(group string) { m.announcements.WithLabelValues(group).Inc() }

// PutBack counts one address that somebody else took off this machine and that is back.
func (m *Metrics) PutBack(group string) { m.putBacks.WithLabelValues(group).Inc() }

// ChecksInconclusive records how many checks of a group cannot tell on this node.
func (m *Metrics) ChecksInconclusive(group string, n int) {
	m.inconclusive.WithLabelValues(group).Set(float64(n))
}

// FollowNetwork makes dropped the count of datagrams that the kernel dropped. It must be
// safe for concurrent use.
func (m *Metrics) FollowNetwork(dropped func() uint64) { m.overrun.Store(&dropped) }

func (m *Metrics) countOverrun() float64 {
	if dropped := m.overrun.Load(); dropped != nil {
		return float64((*dropped)())
	}
	return 0
}

// FollowLog makes lost the count of lines of the log that were not written. It must
// never fall, and be safe for concurrent use.
func (m *Metrics) FollowLog(lost func() uint64) { m.linesLost.Store(&lost) }

// FollowEngine makes age how long ago the engine last ran. It must be safe for concurrent
// use.
func (m *Metrics) FollowEngine(age func() time.Duration) { m.engineAge.Store(&age) }

func (m *Metrics) measureEngine() float64 {
	if age := m.engineAge.Load(); age != nil {
		return (*age)().Seconds()
	}
	return 0
}

func (m *Metrics) countLines() float64 {
	if lost := m.linesLost.Load(); lost != nil {
		return float64((*lost)())
	}
	return 0
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
