// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, kind := range jdcloud.Kinds() {
		for _, shape := range face.Shapes() {
			t.Run(kind+"/"+shape.String(), func(t *testing.T) {
				t.Parallel()
				providertest.Run(t, func(t *testing.T) providertest.Harness { return newShaped(t, kind, shape) })
			})
		}
	}
}

const (
	accessKey    = "JDC_0123456789ABCDEF"
	secretKey    = "0123456789abcdef0123456789abcdef"
	sessionToken = "session-0123456789abcdef"
)

// harness is a fake cloud with three machines and a router, on a clock that only
// Settle moves.
type harness struct {
	t      *testing.T
	kind   string
	slot   fakecloud.Slot
	model  *fakecloud.Model
	api    *fakejd.Server
	server *httptest.Server

	mu  sync.Mutex
	now time.Time
}

// addresses are those of each kind, and one that the cloud does not have.
var addresses = map[string]struct{ known, unknown providers.Address }{
	providers.KindEIP: {
		providers.Address{ID: "fip-web", IP: ip("203.0.113.10")},
		providers.Address{ID: "fip-other", IP: ip("203.0.113.11")},
	},
	providers.KindPrivateIP: {
		providers.Address{ID: "subnet-web", IP: ip("10.0.4.99")},
		providers.Address{ID: "subnet-other", IP: ip("10.0.4.99")},
	},
	providers.KindRoute: {
		providers.Address{ID: "rtb-web", IP: ip("172.16.0.9")},
		providers.Address{ID: "rtb-other", IP: ip("172.16.0.9")},
	},
}

func newHarness(t *testing.T, kind string) *harness {
	t.Helper()
	return newShaped(t, kind, face.Full)
}

func newShaped(t *testing.T, kind string, shape face.Shape) *harness {
	t.Helper()
	return newWorld(t, kind, fakejd.Options{
		Credentials: []fakejd.Credential{{AccessKey: accessKey, SecretKey: secretKey, Token: sessionToken, Node: "lb-a"}},
		Shape:       shape,
		ClockWindow: -1, // Settle leaps an hour, also while requests are on their way
	})
}

func newWorld(t *testing.T, kind string, o fakejd.Options) *harness {
	t.Helper()
	h := &harness{t: t, kind: kind, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	h.model = fakecloud.New(fakecloud.Options{Now: h.clock})
	h.api = fakejd.New(h.model, o)
	h.must(h.api.AddGroup(fakejd.Group{ID: "ag-web"}))
	for id, private := range map[string]string{"i-a": "10.0.4.20", "i-b": "10.0.4.21", "i-c": "10.0.4.22", "i-router": "10.0.4.23"} {
		h.must(h.api.AddMachine(fakejd.Machine{
			Instance: fakecloud.Instance{ID: id, Private: []netip.Addr{ip(private)}},
			Subnet:   "subnet-web", Group: "ag-web",
		}))
	}
	a := h.Address()
	h.slot.IP = a.IP
	switch kind {
	case providers.KindEIP:
		h.must(h.api.AddEIP(fakejd.EIP{ID: a.ID, IP: a.IP}))
	case providers.KindPrivateIP:
		h.must(h.api.AddPrivateIP(fakejd.PrivateIP{IP: a.IP}))
	case providers.KindRoute:
		h.slot.Table = a.ID
		h.must(h.api.AddRoute(fakejd.Route{Table: a.ID, IP: a.IP, Holder: h.Traits().Occupant}))
	}
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

func (h *harness) Provider() providers.Provider {
	c, err := jdcloud.New(jdcloud.Config{
		Credentials: func(context.Context) (jdcloud.Credential, error) {
			return jdcloud.Credential{
				AccessKey: accessKey, SecretKey: cloudhttp.NewSecret(secretKey), Token: cloudhttp.NewSecret(sessionToken),
			}, nil
		},
		Region:    func(context.Context) (string, error) { return "cn-north-1", nil },
		Endpoints: jdcloud.Endpoints{Single: h.server.URL},
		Now:       h.clock,
	})
	h.must(err)
	h.t.Cleanup(c.Quit)
	p, ok := c.Kind(h.kind)
	if !ok {
		h.t.Fatalf("no kind %q", h.kind)
	}
	return p
}

func (h *harness) address(a providers.Address) providers.Address {
	a.Provider, a.Kind = jdcloud.Name, h.kind
	return a
}

func (h *harness) Address() providers.Address        { return h.address(addresses[h.kind].known) }
func (h *harness) UnknownAddress() providers.Address { return h.address(addresses[h.kind].unknown) }

// target returns a machine as the kind names it.
func (h *harness) target(id string) providers.Target {
	return h.api.Identity(id).Only(jdcloud.Capabilities(h.kind).Target)
}

func (h *harness) Targets() (a, b providers.Target) { return h.target("i-a"), h.target("i-b") }
func (h *harness) Rival() providers.Target          { return h.target("i-c") }

func (h *harness) UnknownTarget() providers.Target {
	return providers.Target{Instance: "i-gone", Interface: "port-gone", PrivateIP: ip("10.0.4.90")}.
		Only(jdcloud.Capabilities(h.kind).Target)
}

// Traits: a detach names the interface it detaches from. A route always leads somewhere.
func (h *harness) Traits() providertest.Traits {
	switch h.kind {
	case providers.KindEIP:
		return providertest.Traits{NamesHolder: true}
	case providers.KindRoute:
		return providertest.Traits{Occupant: h.target("i-router")}
	}
	return providertest.Traits{}
}

func (h *harness) Owner() providers.Target { return h.model.HolderIn(h.slot) }

func (h *harness) Place(t providers.Target) { h.must(h.model.PlaceIn(h.slot, t)) }

func (h *harness) SetState(t providers.Target, s providers.InstanceState) bool {
	h.must(h.model.SetState(t.Instance, s))
	return true
}

// MakeBusy resizes the machine, which only matters to the binding of an EIP.
func (h *harness) MakeBusy(t providers.Target) bool {
	if h.kind != providers.KindEIP {
		return false
	}
	h.must(h.api.SetStatus(t.Instance, "resizing"))
	return true
}

func (h *harness) Settle() {
	h.api.SetReadLag(0)
	h.pass(time.Hour)
}

func (h *harness) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
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
		h.api.RevokeCredential(accessKey)
		return true
	}
	do, ok := faults[f]
	if ok {
		h.api.Inject(match(on), do, 0)
	}
	return ok
}

func match(on providertest.Direction) face.Match {
	if on == providertest.Writes {
		return face.Match{Method: "POST"}
	}
	return face.Match{Method: "GET"}
}

func (h *harness) Clear() { h.api.ClearFaults() }

var faults = map[providertest.Fault]face.Fault{
	providertest.CutBefore:        face.CutBefore(),
	providertest.CutAfter:         face.CutAfter(),
	providertest.ServerError:      face.ServerError(500),
	providertest.ServerErrorAfter: face.ServerErrorAfter(500),
	providertest.Hang:             face.BlackHole(),
	providertest.Throttled:        face.Throttled(providertest.RetryAfterHint),
	providertest.EmptyBody:        face.Empty(),
	providertest.HTMLBody:         face.HTML(),
	providertest.TruncatedBody:    face.Truncated(),
	providertest.CutWithin:        face.CutWithin(),
	providertest.DoubledMember:    face.Doubled(),
	providertest.MarkedBody:       face.Marked(),
	providertest.SpacedBody:       face.Spaced(),
	providertest.GzippedBody:      face.Gzipped(),
	providertest.BodyInPieces:     face.InPieces(),
}

// throttlings are the two limits. Neither is known to say how long to wait.
var throttlings = map[string]string{
	"per access key": "HTTP_RATE_LIMIT_EXCEEDED: minute rate limit exceeded, role:ak",
	"per API":        "HTTP_RATE_LIMIT_EXCEEDED: minute rate limit exceeded, role:api",
}

func (*harness) Throttlings() []string {
	var names []string
	for name := range throttlings {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (h *harness) Throttle(on providertest.Direction, way string) {
	h.api.ClearFaults()
	h.api.Inject(match(on), face.Code(throttlings[way]), 0)
}

func (*harness) Secrets() []string { return []string{secretKey, sessionToken} }

func ip(text string) netip.Addr { return netip.MustParseAddr(text) }
