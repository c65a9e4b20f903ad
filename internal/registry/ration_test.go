// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
)

// TestADigitalOceanThatIsOpenedKnowsWhatIsLeftOfItsCalls: the client that carries the
// requests is made for it.
func TestADigitalOceanThatIsOpenedKnowsWhatIsLeftOfItsCalls(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["ratelimit-limit"] = []string{"5000"}
		w.Header()["ratelimit-remaining"] = []string{"4321"}
		w.Header()["rateLimit-reset"] = []string{"1795262460"}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer srv.Close()
	env := func(name string) (string, bool) { return "dop_v1_0123456789abcdef", name == "DIGITALOCEAN_TOKEN" }
	cloud, err := Open("digitalocean", Settings{Endpoint: srv.URL, LookupEnv: env})
	if err != nil {
		t.Fatal(err)
	}
	p := cloud.Kinds["reserved-ip"]
	if _, err := p.Owner(t.Context(), providers.Address{Provider: "digitalocean", Kind: "reserved-ip", IP: netip.MustParseAddr("203.0.113.10")}); err == nil {
		t.Fatal("an address that does not exist has an owner")
	}
	got, known := p.(providers.Rationer).Allowance()
	want := providers.Allowance{Limit: 5000, Remaining: 4321, Window: time.Hour, Reset: time.Unix(1795262460, 0).UTC(), Calls: 1, Told: 1}
	if diff := cmp.Diff(want, got); diff != "" || !known {
		t.Errorf("known %v (-want +got):\n%s", known, diff)
	}
}
