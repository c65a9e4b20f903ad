// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/providertest"
	"github.com/fipctl/fipctl/pkg/providers/tencent"
)

const (
	secretID    = "AKIDEXAMPLE"
	secretKey   = "SKEXAMPLE0123456789"
	secretToken = "TOKENEXAMPLE0123456789"
	inRegion    = "ap-guangzhou"
)

// subject is one kind of address and how the fake has it.
type subject struct {
	address, unknown providers.Address
	add              func(*harness)
	writes           []string // the actions that a move makes
	traits           providertest.Traits
}

var subjects = map[string]subject{
	providers.KindHAVIP: {
		address: named(providers.KindHAVIP, "10.0.4.99", "havip-11111111"),
		unknown: named(providers.KindHAVIP, "10.0.4.98", "havip-99999999"),
		add: func(h *harness) {
			h.must(h.api.AddHAVIP(faketencent.HAVIP{ID: "havip-11111111", IP: h.Address().IP}))
		},
	},
	providers.KindEIP: {
		address: named(providers.KindEIP, "203.0.113.10", "eip-11111111"),
		unknown: named(providers.KindEIP, "203.0.113.11", "eip-99999999"),
		add: func(h *harness) {
			h.must(h.api.AddEIP(faketencent.EIP{ID: "eip-11111111", IP: h.Address().IP}))
		},
		writes: []string{"AssociateAddress", "DisassociateAddress"},
	},
	providers.KindPrivateIP: {
		address: named(providers.KindPrivateIP, "10.0.4.60", "subnet-11111111"),
		unknown: named(providers.KindPrivateIP, "10.0.4.60", "subnet-99999999"),
		add: func(h *harness) {
			h.must(h.api.AddPrivateIP(faketencent.PrivateIP{IP: h.Address().IP, Subnet: "subnet-11111111"}))
		},
		writes: []string{"AssignPrivateIpAddresses", "MigratePrivateIpAddress"},
		traits: providertest.Traits{NamesHolder: true},
	},
	providers.KindRoute: {
		address: named(providers.KindRoute, "172.16.0.9", "rtb-11111111"),
		unknown: named(providers.KindRoute, "172.16.0.9", "rtb-99999999"),
		add: func(h *harness) {
			h.must(h.api.AddRoute(faketencent.Route{Table: "rtb-11111111", IP: h.Address().IP, Holder: h.subject.traits.Occupant}))
		},
		writes: []string{"ReplaceRoutes"},
		traits: providertest.Traits{Occupant: providers.Target{PrivateIP: netip.MustParseAddr("10.0.4.250")}},
	},
}

var reads = []string{
	"DescribeHaVips", "DescribeAddresses", "DescribeTaskResult", "DescribeVpcTaskResult", "DescribeNetworkInterfaces",
	"DescribeSubnets", "DescribeRouteTables", "DescribeInstances", "DescribeDisasterRecoverGroups",
}

func named(kind, ip, id string) providers.Address {
	return providers.Address{Provider: tencent.Name, Kind: kind, IP: netip.MustParseAddr(ip), ID: id}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for kind, s := range subjects {
		for _, shape := range face.Shapes() {
			t.Run(kind+"/"+shape.String(), func(t *testing.T) {
				t.Parallel()
				providertest.Run(t, func(t *testing.T) providertest.Harness {
					h := newShaped(t, s, shape)
					if s.writes == nil {
						return guest{h}
					}
					return h
				})
			})
		}
	}
}

// TestTheMachineOfAnotherNetworkIsNotTheNextHop: a route leads to an address of a further
// interface of a machine that runs, and a machine that is stopped has the same address in
// another network.
func TestTheMachineOfAnotherNetworkIsNotTheNextHop(t *testing.T) {
	t.Parallel()
	hop := netip.MustParseAddr("10.0.4.30")
	h := newHarness(t, subjects[providers.KindRoute])
	h.must(h.api.AddENI(faketencent.ENI{ID: "eni-22222222", Instance: "ins-aaaaaaaa", Subnet: "subnet-11111111", IP: hop}))
	h.must(h.api.AddVPC(faketencent.VPC{ID: "vpc-22222222", Range: netip.MustParsePrefix("10.0.0.0/16")}))
	h.must(h.api.AddSubnet(faketencent.Subnet{ID: "subnet-22222222", VPC: "vpc-22222222", Range: netip.MustParsePrefix("10.0.4.0/24")}))
	h.must(h.api.AddMachine(faketencent.Machine{
		Instance: fakecloud.Instance{ID: "ins-eeeeeeee", Private: []netip.Addr{hop}, State: providers.InstanceStopped}, Subnet: "subnet-22222222",
	}))
	h.Place(providers.Target{PrivateIP: hop})
	p := h.Provider()
	seen, err := p.Owner(t.Context(), h.Address())
	h.must(err)
	state, err := p.(providers.Inspector).InstanceState(t.Context(), seen.Target)
	if state != providers.InstanceUnknown || err != nil || seen.Target.PrivateIP != hop {
		t.Errorf("the machine of %s is %v, %v; want unknown", seen.Target, state, err)
	}
}

// harness is a fake cloud with three machines, on a clock that only Settle moves.
type harness struct {
	t       *testing.T
	subject subject
	model   *fakecloud.Model
	api     *faketencent.Server
	server  *httptest.Server

	mu  sync.Mutex
	now time.Time
}

// guest is a harness in which machines announce the address.
type guest struct{ *harness }

func (g guest) Announce(t providers.Target) {
	if !g.api.Announce(t.Instance, g.Address().IP) {
		g.t.Errorf("%s may not announce the address", t)
	}
}

var machines = []struct{ instance, eni, ip string }{
	{"ins-aaaaaaaa", "eni-aaaaaaaa", "10.0.4.20"},
	{"ins-bbbbbbbb", "eni-bbbbbbbb", "10.0.4.21"},
	{"ins-cccccccc", "eni-cccccccc", "10.0.4.22"},
	{"ins-dddddddd", "eni-dddddddd", "10.0.4.250"}, // the occupant of a route
	{"ins-99999999", "eni-99999999", "10.0.4.199"}, // does not exist
}

func newHarness(t *testing.T, s subject) *harness {
	t.Helper()
	return newShaped(t, s, face.Full)
}

func newShaped(t *testing.T, s subject, shape face.Shape) *harness {
	t.Helper()
	h := &harness{t: t, subject: s, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	h.model = fakecloud.New(fakecloud.Options{Now: h.clock})
	h.api = faketencent.New(h.model, faketencent.Options{
		Credentials: []faketencent.Credential{{ID: secretID, Key: secretKey, Token: secretToken, Node: "lb-a"}},
		Shape:       shape, Subnet: "subnet-11111111", MigrateDelay: time.Second, DriftDelay: time.Second,
	})
	for _, m := range machines[:4] {
		h.must(h.api.AddMachine(faketencent.Machine{
			Instance: fakecloud.Instance{ID: m.instance, Private: []netip.Addr{netip.MustParseAddr(m.ip)}}, ENI: m.eni,
		}))
	}
	s.add(h)
	h.server = httptest.NewServer(h.api)
	t.Cleanup(h.server.Close)
	return h
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *harness) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// cloud returns a new driver that speaks to the fake with the credential.
func (h *harness) cloud() *tencent.Cloud {
	client := cloudhttp.New(cloudhttp.Config{})
	h.t.Cleanup(client.HTTP().CloseIdleConnections)
	c, err := tencent.New(tencent.Config{
		HTTP: client, Endpoint: h.server.URL, Now: h.clock,
		Region: func(context.Context) (string, error) { return inRegion, nil },
		Credentials: func(context.Context) (tencent.Credential, error) {
			return tencent.Credential{ID: secretID, Key: cloudhttp.NewSecret(secretKey), Token: cloudhttp.NewSecret(secretToken)}, nil
		},
	})
	h.must(err)
	return c
}

func (h *harness) Provider() providers.Provider {
	p, ok := h.cloud().Kind(h.subject.address.Kind)
	if !ok {
		h.t.Fatalf("no kind %s", h.subject.address.Kind)
	}
	return p
}

func (h *harness) Address() providers.Address        { return h.subject.address }
func (h *harness) UnknownAddress() providers.Address { return h.subject.unknown }

// target is a machine as the kind names it.
func (h *harness) target(i int) providers.Target {
	m := machines[i]
	return providers.Target{Instance: m.instance, Interface: m.eni, PrivateIP: netip.MustParseAddr(m.ip)}.
		Only(tencent.Capabilities(h.subject.address.Kind).Target)
}

func (h *harness) Targets() (a, b providers.Target) { return h.target(0), h.target(1) }
func (h *harness) Rival() providers.Target          { return h.target(2) }
func (h *harness) UnknownTarget() providers.Target  { return h.target(4) }

func (h *harness) Traits() providertest.Traits {
	t := h.subject.traits
	t.NoRetryAfter, t.AnonymousServerErrors, t.GoneIsUnknown = true, true, true
	return t
}

func (h *harness) slot() fakecloud.Slot {
	at := fakecloud.Slot{IP: h.Address().IP}
	if h.Address().Kind == providers.KindRoute {
		at.Table = h.Address().ID
	}
	return at
}

func (h *harness) Owner() providers.Target  { return h.model.HolderIn(h.slot()) }
func (h *harness) Place(t providers.Target) { h.must(h.model.PlaceIn(h.slot(), t)) }

func (h *harness) SetState(t providers.Target, s providers.InstanceState) bool {
	for _, m := range machines {
		if t.Instance == m.instance || t.PrivateIP.IsValid() && t.PrivateIP.String() == m.ip {
			h.must(h.model.SetState(m.instance, s))
			return true
		}
	}
	return false
}

// MakeBusy is not known here: a task keeps an address busy, and never a machine.
func (*harness) MakeBusy(providers.Target) bool { return false }

func (h *harness) Settle() {
	h.api.SetReadLag(0)
	h.pass(2 * time.Minute) // within the window of a signature: reads may be under way
}

// FreezeReads lets reads lag by a minute that has passed since the last change.
func (h *harness) FreezeReads() bool {
	h.pass(time.Minute)
	h.api.SetReadLag(time.Minute)
	return true
}

func (h *harness) Calls() (c providertest.Calls) {
	for _, e := range h.model.Journal() {
		if e.Write {
			c.Writes++
		} else {
			c.Reads++
		}
	}
	return c
}

func (h *harness) Inject(on providertest.Direction, f providertest.Fault) bool {
	switch f {
	case providertest.Unreachable:
		h.server.Close()
		return true
	case providertest.Denied:
		h.api.RevokeCredential(secretID)
		return true
	}
	do, ok := faults[f]
	if ok {
		h.inject(on, do)
	}
	return ok
}

func (h *harness) inject(on providertest.Direction, do face.Fault) {
	actions := reads
	if on == providertest.Writes {
		actions = h.subject.writes
	}
	for _, action := range actions {
		h.api.Inject(face.Match{Action: action}, do, 0)
	}
}

func (h *harness) Clear() { h.api.ClearFaults() }

// Throttlings are the codes of the gateway's limits, and that of vpc's own.
func (*harness) Throttlings() []string {
	return []string{
		"RequestLimitExceeded", "RequestLimitExceeded.UinLimitExceeded", "RequestLimitExceeded.IPLimitExceeded",
		"RequestLimitExceeded.GlobalRegionUinLimitExceeded", "LimitExceeded.ActionLimited",
	}
}

func (h *harness) Throttle(on providertest.Direction, way string) {
	h.Clear()
	h.inject(on, face.Code(way))
}

var faults = map[providertest.Fault]face.Fault{
	providertest.CutBefore:        face.CutBefore(),
	providertest.CutAfter:         face.CutAfter(),
	providertest.ServerError:      face.ServerError(502),
	providertest.ServerErrorAfter: face.ServerErrorAfter(502),
	providertest.Hang:             face.BlackHole(),
	providertest.Throttled:        face.Throttled(0),
	providertest.EmptyBody:        face.Empty(),
	providertest.HTMLBody:         face.HTML(),
	providertest.TruncatedBody:    face.Truncated(),
	providertest.CutWithin:        face.CutWithin(),
	providertest.DoubledMember:    face.Doubled(),
	providertest.MarkedBody:       face.Marked(),
	providertest.SpacedBody:       face.Spaced(),
	providertest.GzippedBody:      face.Gzipped(),
	providertest.BodyInPieces:     face.InPieces(),
	providertest.OperationFails:   face.Errored(),
}

func (*harness) Secrets() []string { return []string{secretKey, secretToken} }
