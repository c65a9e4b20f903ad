// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean_test

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/digitalocean"
)

// TestTheAllowanceIsTheAPIsOwn: what this driver called and what somebody else did.
func TestTheAllowanceIsTheAPIsOwn(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	at := start
	model := fakecloud.New(fakecloud.Options{Now: func() time.Time { return at }})
	api := fakedo.New(model, fakedo.Options{Tokens: []fakedo.Token{{Value: secretToken, Node: "lb-a"}}, RatePerMinute: 2})
	ip := netip.MustParseAddr("203.0.113.10")
	if err := model.AddAddress(fakecloud.Address{IP: ip, Region: "nyc3"}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(api)
	defer srv.Close()
	p, err := digitalocean.New(digitalocean.Config{Endpoint: srv.URL, HTTP: cloudhttp.New(cloudhttp.Config{
		Token: func() (cloudhttp.Secret, error) { return cloudhttp.NewSecret(secretToken), nil }, Ration: digitalocean.Ration(),
	})})
	if err != nil {
		t.Fatal(err)
	}
	read := func(want providers.Allowance) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = p.Owner(ctx, providers.Address{Provider: digitalocean.Name, Kind: digitalocean.KindReservedIP, IP: ip})
		if got, known := p.Allowance(); !known {
			t.Error("nothing is told")
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("allowance (-want +got):\n%s", diff)
		}
	}
	if got, known := p.Allowance(); known {
		t.Errorf("before the first call: %+v", got)
	}
	hour := func(remaining, calls, told int, reset time.Duration) providers.Allowance {
		return providers.Allowance{Limit: 5000, Remaining: remaining, Window: time.Hour, Reset: start.Add(reset), Calls: calls, Told: told}
	}
	read(hour(4999, 1, 1, time.Hour))
	api.Spend(secretToken, 900)
	read(hour(4098, 2, 2, 50*time.Minute))
	read(hour(4098, 3, 2, 50*time.Minute)) // the minute's limit, which says nothing of the hour
	at = at.Add(time.Minute)
	api.Spend(secretToken, 9000)
	read(hour(0, 4, 3, 50*time.Minute)) // the hour's, by a refusal
}
