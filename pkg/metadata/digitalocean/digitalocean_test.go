// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

const full = `{"droplet_id":7473395,"hostname":"lb-a","user_data":"secret","vendor_data":"x","public_keys":["k"],"region":"nyc3","tags":["web"],
"interfaces":{"public":[{"mac":"04:01:2A:0F:2a:01","type":"public","ipv4":{"ip_address":"198.51.100.11","netmask":"255.255.255.0","gateway":"198.51.100.1"},
"ipv6":{"ip_address":"2001:0db8:0001:0000:0000:0000:0000:0011","cidr":64,"gateway":"2001:db8:1::1"},
"anchor_ipv4":{"ip_address":"10.10.0.7","netmask":"255.255.0.0","gateway":"10.10.0.1"}}],
"private":[{"mac":"04:01:2a:0f:2a:02","type":"private","ipv4":{"ip_address":"10.108.0.2","netmask":"255.255.240.0","gateway":""}}]},
"floating_ip":{"ipv4":{"active":true}},"features":{"dhcp_enabled":false}}`

var compareIP = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func identity() metadata.Identity {
	ip := netip.MustParseAddr
	return metadata.Identity{
		Target: providers.Target{Instance: "7473395"}, Hostname: "lb-a", Region: "nyc3", Anchor: ip("10.10.0.7"),
		Interfaces: []metadata.Interface{
			{MAC: "04:01:2a:0f:2a:01", Public: true, Addresses: []netip.Addr{ip("198.51.100.11"), ip("2001:db8:1::11")}},
			{MAC: "04:01:2a:0f:2a:02", Addresses: []netip.Addr{ip("10.108.0.2")}},
		},
	}
}

// source returns a source for a service that is h.
func source(t *testing.T, h http.HandlerFunc) (s *Source, url string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	s, err := New(Config{Endpoint: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	return s, srv.URL + "/metadata/v1.json"
}

func TestIdentityIsReadWithOneRequest(t *testing.T) {
	t.Parallel()
	var requests []string
	s, _ := source(t, func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r.Method+" "+r.URL.Path)
		_, _ = io.WriteString(w, full)
	})
	got, err := s.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(identity(), got, compareIP); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"GET /metadata/v1.json"}, requests); diff != "" {
		t.Error(diff)
	}
	if s.Cloud() != "digitalocean" {
		t.Errorf("Cloud() = %q", s.Cloud())
	}
}

func TestADropletWithoutAnAnchorOrAHostnameHasAnIdentity(t *testing.T) {
	t.Parallel()
	doc := strings.ReplaceAll(strings.ReplaceAll(full, "anchor_ipv4", "no_anchor"), "hostname", "no_name")
	s, _ := source(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, doc) })
	want := identity()
	want.Anchor, want.Hostname = netip.Addr{}, ""
	got, err := s.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, compareIP); diff != "" {
		t.Error(diff)
	}
}

func TestABadAnswerIsOneLineThatNamesTheURLAndTheField(t *testing.T) {
	t.Parallel()
	replace := func(old, new string) string { return strings.Replace(full, old, new, 1) }
	for _, tc := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"not found", "", 404, "unexpected status 404"},
		{"server error", full, 500, "unexpected status 500"},
		{"a redirect is not followed", "", 302, "unexpected status 302"},
		{"empty", "", 200, "decode document: unexpected end of JSON input"},
		{"HTML", "<html>", 200, "decode document: invalid character '<' looking for beginning of value"},
		{"truncated", full[:100], 200, "decode document: unexpected end of JSON input"},
		{"no droplet id", replace("droplet_id", "x"), 200, "droplet_id: missing or not a positive number"},
		{"droplet id zero", replace("7473395", "0"), 200, "droplet_id: missing or not a positive number"},
		{"droplet id a fraction", replace("7473395", "7473395.5"), 200, "droplet_id: missing or not a positive number"},
		{"droplet id too large", replace("7473395", "9223372036854775808"), 200, "droplet_id: missing or not a positive number"},
		{"droplet id null", replace("7473395", "null"), 200, "droplet_id: missing or not a positive number"},
		{"droplet id a word", replace("7473395", `"seven"`), 200, `decode document: json: invalid number literal, trying to unmarshal "\"seven\"" into Number`},
		{"a list", "[" + full + "]", 200, "decode document: json: cannot unmarshal array into Go value of type digitalocean.document"},
		{"droplet id negative", replace("7473395", "-7"), 200, "droplet_id: missing or not a positive number"},
		{"no region", replace(`"nyc3"`, `""`), 200, "region: missing"},
		{"no interfaces", replace(`"interfaces"`, `"x"`), 200, "interfaces: missing"},
		{"bad hardware address", replace("04:01:2A:0F:2a:01", "zz"), 200, `interfaces.public[0].mac: "zz" is not a hardware address`},
		{"bad address", replace("198.51.100.11", "198.51.100"), 200, `interfaces.public[0].ipv4.ip_address: "198.51.100" is not an IP address`},
		{"no address", replace(`{"ip_address":"10.108.0.2"`, `{"x":"10.108.0.2"`), 200, `interfaces.private[0].ipv4.ip_address: "" is not an IP address`},
		{"bad anchor", replace("10.10.0.7", "nil"), 200, `interfaces.public[0].anchor_ipv4.ip_address: "nil" is not an IP address`},
		{"too long", strings.Repeat(" ", bodyMax+1), 200, "more than 1048576 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, url := source(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			got, err := s.Identity(t.Context())
			if want := "read identity from " + url + ": " + tc.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if diff := cmp.Diff(metadata.Identity{}, got, compareIP); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnUnavailableServiceIsOneLine(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	s, err := New(Config{Endpoint: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Identity(t.Context())
	if err == nil || strings.Count(err.Error(), srv.URL) != 1 || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}

func TestTheFakeCloudsDropletHasAnIdentity(t *testing.T) {
	t.Parallel()
	for _, shape := range face.Shapes() {
		t.Run(shape.String(), func(t *testing.T) {
			t.Parallel()
			identify(t, shape)
		})
	}
}

func identify(t *testing.T, shape face.Shape) {
	model := fakecloud.New(fakecloud.Options{Now: time.Now})
	api := fakedo.New(model, fakedo.Options{Shape: shape, Anchors: map[string]netip.Addr{"1001": netip.MustParseAddr("10.10.0.7")}})
	private := netip.MustParseAddr("10.108.0.2")
	if err := model.AddInstance(fakecloud.Instance{ID: "1001", Name: "lb-a", Region: "nyc3", Private: []netip.Addr{private}, Public: []netip.Addr{netip.MustParseAddr("198.51.100.11")}}); err != nil {
		t.Fatal(err)
	}
	s, _ := source(t, api.MetadataHandler("1001").ServeHTTP)
	got, err := s.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Target.Instance != "1001" || got.Region != "nyc3" || got.Anchor.String() != "10.10.0.7" || len(got.Interfaces) != 2 || got.Interfaces[1].Addresses[0] != private {
		t.Errorf("got %+v", got)
	}
	if err := model.AddInstance(fakecloud.Instance{ID: "1002", Name: "lb-b", Region: "nyc3", Public: []netip.Addr{netip.MustParseAddr("198.51.100.12")}}); err != nil {
		t.Fatal(err)
	}
	s, _ = source(t, api.MetadataHandler("1002").ServeHTTP)
	if got, err = s.Identity(t.Context()); err != nil || got.Target.Instance != "1002" || !got.Interfaces[0].Public {
		t.Errorf("without a private network: got %+v, %v", got, err)
	}
}

type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("nowhere") }

func TestTheUsualServiceIsAskedUnlessAnotherIsNamed(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Transport: nowhere{}})
	if err != nil || s.Cloud() != "digitalocean" {
		t.Fatalf("got %v, %v", s, err)
	}
	_, err = s.Identity(t.Context())
	if err == nil || !strings.Contains(err.Error(), "http://169.254.169.254/metadata/v1.json") {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{Endpoint: "169.254.169.254"}); err == nil {
		t.Error("an endpoint that is no URL is taken")
	}
}
