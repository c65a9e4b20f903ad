// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/pkg/providers"
)

// meta asks the metadata service of a droplet.
func (w *world) meta(id, path string) (int, string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.do.MetadataHandler(id).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

func TestTheMetadataTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{Anchors: map[string]netip.Addr{"1001": netip.MustParseAddr("10.10.0.7"), "1003": {}}})
	tests := []struct {
		id, path string
		status   int
		want     string
	}{
		{"1001", "", 200, "id\nhostname\nuser-data\nvendor-data\npublic-keys\nregion\ninterfaces/\ndns/\nfloating_ip/\nreserved_ip/\ntags/\nfeatures/"},
		{"1001", "/", 200, "id\nhostname\nuser-data\nvendor-data\npublic-keys\nregion\ninterfaces/\ndns/\nfloating_ip/\nreserved_ip/\ntags/\nfeatures/"},
		{"1001", "/id", 200, "1001"},
		{"1001", "/hostname", 200, "lb-a"},
		{"1001", "/region", 200, "nyc3"},
		{"1001", "/tags", 200, "web\nlb"},
		{"1001", "/tags/", 200, "web\nlb"},
		{"1001", "/user-data", 200, ""},
		{"1001", "/interfaces/", 200, "public/\nprivate/"},
		{"1001", "/interfaces/public", 200, "0/"},
		{"1001", "/interfaces/public/0/", 200, "mac\ntype\nipv4/\nipv6/\nanchor_ipv4/"},
		{"1001", "/interfaces/private/0/", 200, "mac\ntype\nipv4/"},
		{"1001", "/interfaces/public/0/type", 200, "public"},
		{"1001", "/interfaces/public/0/ipv4/address", 200, "192.0.2.20"},
		{"1001", "/interfaces/public/0/ipv6/address", 200, "2001:db8:1::20"},
		{"1001", "/interfaces/public/0/ipv6/cidr", 200, "64"},
		{"1001", "/interfaces/private/0/ipv4/address", 200, "10.0.4.20"},
		{"1001", "/interfaces/private/0/ipv4/netmask", 200, "255.255.240.0"},
		{"1001", "/interfaces/public/0/anchor_ipv4/address", 200, "10.10.0.7"},
		{"1001", "/interfaces/public/0/anchor_ipv4/gateway", 200, "10.10.0.1"},
		{"1003", "/interfaces/public/0/anchor_ipv4/address", 404, "Not Found\n"},
		{"1001", "/dns/nameservers", 200, "67.207.67.2\n67.207.67.3"},
		{"1001", "/reserved_ip/ipv4/active", 200, "true"},
		{"1001", "/reserved_ip/ipv4/ip_address", 200, "203.0.113.10"},
		{"1001", "/floating_ip/ipv4/ip_address", 200, "203.0.113.10"},
		{"1001", "/reserved_ip/ipv6/active", 200, "false"},
		{"1002", "/reserved_ip/ipv4/active", 200, "false"},
		{"1002", "/reserved_ip/ipv4/ip_address", 404, "Not Found\n"},
		{"1001", "/features/dhcp_enabled", 200, "false"},
		{"1001", "/nothing", 404, "Not Found\n"},
		{"1001", "x/id", 404, "Not Found\n"},
		{"9", "/id", 404, "Not Found\n"},
	}
	for _, tt := range tests {
		if status, got := w.meta(tt.id, "/metadata/v1"+tt.path); status != tt.status || got != tt.want {
			t.Errorf("%s of %s: got %d %q, want %d %q", tt.path, tt.id, status, got, tt.status, tt.want)
		}
	}
	rec := httptest.NewRecorder()
	w.do.MetadataHandler("1001").ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/metadata/v1/id", nil))
	if rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("a POST: got %d, want 405", rec.Code)
	}
	if n := len(w.model.Journal()); n != 0 {
		t.Errorf("the journal has %d metadata calls, want none", n)
	}
}

func TestTheMetadataDocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{Anchors: map[string]netip.Addr{"1001": netip.MustParseAddr("10.10.0.7")}})
	_, body := w.meta("1001", "/metadata/v1.json")
	_, publicMAC := w.meta("1001", "/metadata/v1/interfaces/public/0/mac")
	_, privateMAC := w.meta("1001", "/metadata/v1/interfaces/private/0/mac")
	var got any
	w.must(json.Unmarshal([]byte(body), &got))
	wantJSON(t, "document", got, `{"droplet_id": 1001, "hostname": "lb-a", "user_data": "", "vendor_data": "",
		"public_keys": [], "region": "nyc3", "tags": ["web", "lb"],
		"dns": {"nameservers": ["67.207.67.2", "67.207.67.3"]},
		"interfaces": {
			"public": [{"mac": "`+publicMAC+`", "type": "public",
				"ipv4": {"ip_address": "192.0.2.20", "netmask": "255.255.240.0", "gateway": "192.0.0.1"},
				"ipv6": {"ip_address": "2001:db8:1::20", "cidr": 64, "gateway": "2001:db8:1::1"},
				"anchor_ipv4": {"ip_address": "10.10.0.7", "netmask": "255.255.0.0", "gateway": "10.10.0.1"}}],
			"private": [{"mac": "`+privateMAC+`", "type": "private",
				"ipv4": {"ip_address": "10.0.4.20", "netmask": "255.255.240.0", "gateway": "10.0.0.1"}}]},
		"floating_ip": {"ipv4": {"ip_address": "203.0.113.10", "active": true}},
		"reserved_ip": {"ipv4": {"ip_address": "203.0.113.10", "active": true}, "ipv6": {"active": false}},
		"features": {"dhcp_enabled": false, "vpc_peering_enabled": false}}`)
}

func TestAnchorsAreMadeFromTheID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	_, anchorA := w.meta("1001", "/metadata/v1/interfaces/public/0/anchor_ipv4/address")
	_, anchorB := w.meta("1002", "/metadata/v1/interfaces/public/0/anchor_ipv4/address")
	a, err := netip.ParseAddr(anchorA)
	if err != nil || !netip.MustParsePrefix("10.10.0.0/16").Contains(a) || anchorA == anchorB {
		t.Errorf("got %q and %q: %v", anchorA, anchorB, err)
	}
}

func TestTheMetadataFollowsTheAddressWithALag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{OperationDelay: -1, MetadataLag: 3 * time.Second})
	w.advance(time.Minute)
	w.post(first, assignB)
	active := func(id string) string { _, body := w.meta(id, "/metadata/v1/reserved_ip/ipv4/active"); return body }
	for _, want := range [][2]string{{"true", "false"}, {"false", "true"}} {
		if got := [2]string{active("1001"), active("1002")}; got != want {
			t.Errorf("%s: active at 1001, 1002: got %v, want %v", w.clock(), got, want)
		}
		w.advance(3 * time.Second)
	}
	w.do.SetMetadataLag(time.Hour)
	if got := active("1001"); got != "true" {
		t.Errorf("with more lag: got %s, want true", got)
	}
}

func TestTheMetadataShowsAReservedIPv6(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	w.must(w.model.Place(netip.MustParseAddr("2001:db8::42"), providers.Target{Instance: "1002"}))
	if _, got := w.meta("1002", "/metadata/v1/reserved_ip/ipv6/ip_address"); got != "2001:db8::42" {
		t.Errorf("got %q, want 2001:db8::42", got)
	}
	if _, got := w.meta("1002", "/metadata/v1/reserved_ip/ipv4/active"); got != "false" {
		t.Errorf("IPv4: got %q, want false", got)
	}
}

func TestOneDropletsMetadataCanBeUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	clear := w.do.MetadataHandler("1001").Inject(face.Match{}, face.ServerError(500), 0)
	if status, body := w.meta("1001", "/metadata/v1/id"); status != 500 || body != "Internal Server Error\n" {
		t.Errorf("got %d %q, want 500", status, body)
	}
	if status, _ := w.meta("1002", "/metadata/v1/id"); status != 200 {
		t.Errorf("the other droplet: got %d, want 200", status)
	}
	clear()
	if status, _ := w.meta("1001", "/metadata/v1/id"); status != 200 {
		t.Errorf("after the fault: got %d, want 200", status)
	}
}
