// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean_test

import (
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/digitalocean"
	"github.com/fipctl/fipctl/pkg/providers/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, ip := range map[string]string{"IPv4": "203.0.113.10", "IPv6": "2001:db8::42"} {
		for _, shape := range face.Shapes() {
			t.Run(name+"/"+shape.String(), func(t *testing.T) {
				t.Parallel()
				providertest.Run(t, func(t *testing.T) providertest.Harness { return newHarness(t, netip.MustParseAddr(ip), shape) })
			})
		}
	}
}

const secretToken = "dop_v1_0123456789abcdef"

// harness is a fake cloud with three droplets, on a clock that only Settle moves.
type harness struct {
	t      *testing.T
	ip     netip.Addr
	model  *fakecloud.Model
	api    *fakedo.Server
	server *httptest.Server

	mu  sync.Mutex
	now time.Time
}

func newHarness(t *testing.T, ip netip.Addr, shape face.Shape) *harness {
	t.Helper()
	h := &harness{t: t, ip: ip, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	h.model = fakecloud.New(fakecloud.Options{Now: h.clock})
	h.api = fakedo.New(h.model, fakedo.Options{
		Tokens:      []fakedo.Token{{Value: secretToken, Node: "lb-a"}},
		RatePerHour: -1, RatePerMinute: -1, Shape: shape,
	})
	for _, i := range []fakecloud.Instance{
		{ID: "1001", Name: "lb-a", Region: "nyc3", Private: addrs("10.108.0.2"), Public: addrs("198.51.100.11", "2001:db8:1::11")},
		{ID: "1002", Name: "lb-b", Region: "nyc3", Private: addrs("10.108.0.3"), Public: addrs("198.51.100.12", "2001:db8:1::12")},
		{ID: "1003", Name: "lb-c", Region: "nyc3", Private: addrs("10.108.0.4"), Public: addrs("198.51.100.13", "2001:db8:1::13")},
	} {
		h.must(h.model.AddInstance(i))
	}
	h.must(h.model.AddAddress(fakecloud.Address{IP: ip, Region: "nyc3"}))
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
	client := cloudhttp.New(cloudhttp.Config{
		Token:  func() (cloudhttp.Secret, error) { return cloudhttp.NewSecret(secretToken), nil },
		Ration: digitalocean.Ration(),
	})
	h.t.Cleanup(client.HTTP().CloseIdleConnections)
	p, err := digitalocean.New(digitalocean.Config{HTTP: client, Endpoint: h.server.URL, Now: h.clock})
	h.must(err)
	return p
}

func (h *harness) Address() providers.Address {
	return providers.Address{Provider: digitalocean.Name, Kind: digitalocean.KindReservedIP, IP: h.ip}
}

func (h *harness) UnknownAddress() providers.Address {
	a := h.Address()
	a.IP = a.IP.Next()
	return a
}

func (*harness) Targets() (a, b providers.Target) {
	return providers.Target{Instance: "1001"}, providers.Target{Instance: "1002"}
}

func (*harness) Rival() providers.Target { return providers.Target{Instance: "1003"} }

// Traits are the zero value: an assign does not name the holder, and a 429 says how
// long to wait.
func (*harness) Traits() providertest.Traits { return providertest.Traits{} }

func (*harness) UnknownTarget() providers.Target { return providers.Target{Instance: "1999"} }

func (h *harness) Owner() providers.Target { return h.model.Holder(h.ip) }

func (h *harness) Place(t providers.Target) { h.must(h.model.Place(h.ip, t)) }

func (h *harness) SetState(t providers.Target, s providers.InstanceState) bool {
	h.must(h.model.SetState(t.Instance, s))
	return true
}

func (h *harness) MakeBusy(t providers.Target) bool {
	_, err := h.model.StartEvent(t.Instance, "snapshot", time.Minute)
	h.must(err)
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
		h.api.RevokeToken(secretToken)
		return true
	}
	match := face.Match{Method: "GET"}
	if on == providertest.Writes {
		match.Method = "POST"
	}
	do, ok := faults[f]
	if ok {
		h.api.Inject(match, do, 0)
	}
	return ok
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
	providertest.OperationFails:   face.Errored(),
}

func (*harness) Secrets() []string { return []string{secretToken} }

func addrs(texts ...string) (out []netip.Addr) {
	for _, s := range texts {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// TestATokenThatMaySeeNoDropletsNeverSaysNobody: to it an address that is held looks like one
// that nobody holds.
func TestATokenThatMaySeeNoDropletsNeverSaysNobody(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"203.0.113.10", "2001:db8::42"} {
		for _, shape := range face.Shapes() {
			h := newHarness(t, netip.MustParseAddr(ip), shape)
			h.api.AddToken(fakedo.Token{Value: secretToken, Scopes: []string{fakedo.ScopeReservedIPRead, fakedo.ScopeReservedIPUpdate}})
			a, _ := h.Targets()
			for _, holder := range []providers.Target{a, {}} {
				h.Place(holder)
				p := h.Provider()
				got, err := p.Owner(t.Context(), h.Address())
				both := p.(providers.BatchReader).Owners(t.Context(), []providers.Address{h.Address(), h.UnknownAddress()})
				if err == nil || !got.Target.IsZero() || both[0].Err == nil {
					t.Errorf("%s, %s answers, held by %q: got %+v, %v, in a list %+v", ip, shape, holder, got, err, both[0])
				}
			}
		}
	}
}
