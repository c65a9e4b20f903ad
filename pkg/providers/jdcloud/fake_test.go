// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/jdcloud"
)

// good are the credentials of most tests here.
var good = fakejd.Options{Credentials: accounts}

// cloudOf returns a driver for the fake of h.
func cloudOf(h *harness, change func(*jdcloud.Config)) *jdcloud.Cloud {
	h.t.Helper()
	cfg := jdcloud.Config{
		Credentials: func(context.Context) (jdcloud.Credential, error) { return credential("ak-good", ""), nil },
		Region:      func(context.Context) (string, error) { return "cn-north-1", nil },
		Endpoints:   jdcloud.Endpoints{Single: h.server.URL},
		Now:         h.clock,
	}
	change(&cfg)
	c, err := jdcloud.New(cfg)
	h.must(err)
	h.t.Cleanup(c.Quit)
	return c
}

// TestAPrivateIPThatWasFreeIsNotTakenFromARival: the one conditional write of this cloud.
func TestAPrivateIPThatWasFreeIsNotTakenFromARival(t *testing.T) {
	t.Parallel()
	h := newHarness(t, providers.KindPrivateIP)
	p := h.Provider()
	a, b := h.Targets()
	seen, err := p.Owner(t.Context(), h.Address())
	h.must(err)
	h.Place(h.Rival())
	if _, err := p.Assign(t.Context(), h.Address(), a, seen); providers.KindOf(err) != providers.Conflict {
		t.Errorf("got %v, want a conflict", err)
	}
	if h.Owner() != h.Rival() {
		t.Errorf("held by %s", h.Owner())
	}
	seen, err = p.Owner(t.Context(), h.Address())
	h.must(err)
	if _, err := p.Assign(t.Context(), h.Address(), b, seen); err != nil || h.Owner() != b {
		t.Errorf("from a holder that was seen: %v, held by %s", err, h.Owner())
	}
}

// TestEachEndpointIsSignedByItsOwnName lets the names of the hosts lead to the fake, which
// answers only for the service that a name is of.
func TestEachEndpointIsSignedByItsOwnName(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]jdcloud.Endpoints{
		"internal": {Internal: true},
		"single":   {Single: "http://openapi.internal.cn-north-1.jdcloud-api.com"},
		"prefixed": {Single: "http://proxy.test:8080/jd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := good
			if name == "prefixed" {
				o.PathPrefix = "/jd"
			}
			h := newWorld(t, providers.KindEIP, o)
			transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, h.server.Listener.Addr().String())
			}}
			t.Cleanup(transport.CloseIdleConnections)
			c := cloudOf(h, func(cfg *jdcloud.Config) { cfg.Endpoints, cfg.Transport = at, transport })
			p, _ := c.Kind(providers.KindEIP)
			if _, err := p.Owner(t.Context(), h.Address()); err != nil {
				t.Errorf("vpc: %v", err)
			}
			if _, err := p.(providers.Placer).Placement(t.Context(), h.target("i-a")); err != nil {
				t.Errorf("vm and ag: %v", err)
			}
			if _, err := p.Assign(t.Context(), h.Address(), h.target("i-a"), providers.Assignment{}); err != nil {
				t.Errorf("a write: %v", err)
			}
		})
	}
}

// TestARoleThatIsRotatedGoesOn has the metadata service hand out other credentials than
// those that were read, which the API no longer takes.
func TestARoleThatIsRotatedGoesOn(t *testing.T) {
	t.Parallel()
	h := newWorld(t, providers.KindEIP, fakejd.Options{})
	rotate := func(key string) {
		c := fakejd.Credential{AccessKey: key, SecretKey: "secret-of-" + key, Token: "session-of-" + key}
		h.api.AddCredential(c)
		h.api.SetRole("i-a", &c)
	}
	rotate("ak-1")
	metadata := httptest.NewServer(h.api.MetadataHandler("i-a"))
	t.Cleanup(metadata.Close)
	role, err := jdcloud.NewRole(jdcloud.RoleConfig{Endpoint: metadata.URL, Now: h.clock})
	h.must(err)
	c := cloudOf(h, func(cfg *jdcloud.Config) { cfg.Credentials, cfg.Rejected = role.Credential, role.Rejected })
	p, _ := c.Kind(providers.KindEIP)
	for _, key := range []string{"ak-2", "ak-3", ""} {
		if _, err := p.Owner(t.Context(), h.Address()); err != nil {
			t.Fatalf("before %q: %v", key, err)
		}
		for _, old := range []string{"ak-1", "ak-2", "ak-3"} {
			h.api.RevokeCredential(old)
		}
		if key != "" {
			rotate(key)
		}
	}
	_, err = p.Owner(t.Context(), h.Address())
	if providers.KindOf(err) != providers.Denied || strings.Contains(err.Error(), "secret-of") || strings.Contains(err.Error(), "session-of") {
		t.Errorf("got %v", err)
	}
}

// TestAnEdgeEIPIsFoundInAList: lists leave such out unless they are asked for it.
func TestAnEdgeEIPIsFoundInAList(t *testing.T) {
	t.Parallel()
	h := newHarness(t, providers.KindEIP)
	h.must(h.api.AddEIP(fakejd.EIP{ID: "fip-edge", IP: ip("203.0.113.20"), Edge: true}))
	edge := h.Address()
	edge.ID, edge.IP = "fip-edge", ip("203.0.113.20")
	before := h.Calls()
	for _, r := range h.Provider().(providers.BatchReader).Owners(t.Context(), []providers.Address{h.Address(), edge}) {
		h.must(r.Err)
	}
	if n := h.Calls().Reads - before.Reads; n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
}
