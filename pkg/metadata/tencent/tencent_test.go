// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

const (
	prefix = "/latest/meta-data/"
	mac    = prefix + "network/interfaces/macs/52:54:00:BF:B3:51/"
	mac2   = prefix + "network/interfaces/macs/52:54:00:BF:B3:52/"
)

// tree is what the service of a machine with two interfaces answers.
var tree = map[string]string{
	prefix + "instance-id":              "ins-3g445roi",
	prefix + "placement/region":         "ap-guangzhou",
	prefix + "placement/zone":           "ap-guangzhou-3",
	prefix + "local-ipv4":               "10.104.13.59",
	prefix + "network/interfaces/macs/": "52:54:00:BF:B3:51/\n52:54:00:BF:B3:52/",
	mac + "local-ipv4s/":                "10.104.13.59/\n10.104.13.60/",
	mac + "vpc-id":                      "vpc-6v2ht8q5",
	mac + "subnet-id":                   "subnet-qq51iwr4\n",
	mac2 + "local-ipv4s/":               "10.104.14.7/",
}

var compareIP = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func identity() metadata.Identity {
	ip := netip.MustParseAddr
	return metadata.Identity{
		Target: providers.Target{Instance: "ins-3g445roi", PrivateIP: ip("10.104.13.59")},
		Region: "ap-guangzhou", Zone: "ap-guangzhou-3", VPC: "vpc-6v2ht8q5", Subnet: "subnet-qq51iwr4",
		Interfaces: []metadata.Interface{
			{MAC: "52:54:00:bf:b3:51", Addresses: []netip.Addr{ip("10.104.13.59"), ip("10.104.13.60")}},
			{MAC: "52:54:00:bf:b3:52", Addresses: []netip.Addr{ip("10.104.14.7")}},
		},
	}
}

// source returns a source for a service with the tree and what is changed in it, and
// the requests that it got. A "-" takes a path away.
func source(t *testing.T, change map[string]string) (s *Source, url string, requests *[]string) {
	t.Helper()
	all := maps.Clone(tree)
	maps.Copy(all, change)
	requests = new([]string)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*requests = append(*requests, r.Method+" "+r.URL.Path)
		switch body, ok := all[r.URL.Path]; {
		case !ok || body == "-":
			w.WriteHeader(http.StatusNotFound)
		case body == "302":
			http.Redirect(w, r, prefix+"instance-id", http.StatusFound)
		case body == "500":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			_, _ = io.WriteString(w, body)
		}
	}))
	t.Cleanup(srv.Close)
	s, err := New(Config{Endpoint: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	return s, srv.URL, requests
}

func TestIdentityIsReadFromTheTree(t *testing.T) {
	t.Parallel()
	s, _, requests := source(t, nil)
	got, err := s.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(identity(), got, compareIP); diff != "" {
		t.Error(diff)
	}
	if len(*requests) != len(tree) || s.Cloud() != "tencent" {
		t.Errorf("%d requests, want each document of the tree once:\n%s", len(*requests), strings.Join(*requests, "\n"))
	}
}

func TestWhatTheServiceNeedNotTellIsEmpty(t *testing.T) {
	t.Parallel()
	s, _, _ := source(t, map[string]string{prefix + "placement/zone": "-", mac + "vpc-id": "-", mac + "subnet-id": "-"})
	want := identity()
	want.Zone, want.VPC, want.Subnet = "", "", ""
	got, err := s.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, compareIP); diff != "" {
		t.Error(diff)
	}
}

func TestABadAnswerIsOneLineThatNamesTheURL(t *testing.T) {
	t.Parallel()
	macs := prefix + "network/interfaces/macs/"
	for _, tc := range []struct{ name, path, body, want string }{
		{"no instance", prefix + "instance-id", "-", "missing"},
		{"an empty instance", prefix + "instance-id", "", "missing"},
		{"another cloud's instance", prefix + "instance-id", "i-0abc", `"i-0abc" is not the id of a machine (ins-...)`},
		{"a page", prefix + "instance-id", "<html>", "the answer is not a single word"},
		{"two lines", prefix + "placement/region", "a\nb", "the answer is not a single word"},
		{"no region", prefix + "placement/region", "-", "missing"},
		{"server error", prefix + "placement/region", "500", "unexpected status 500"},
		{"a redirect is not followed", prefix + "placement/region", "302", "unexpected status 302"},
		{"no address", prefix + "local-ipv4", "-", "missing"},
		{"a bad address", prefix + "local-ipv4", "10.0.0", `"10.0.0" is not an IP address`},
		{"no interfaces", macs, "-", "missing"},
		{"an empty list of interfaces", macs, "", "no network interface"},
		{"too many interfaces", macs, strings.Repeat("52:54:00:BF:B3:51/\n", 17), "17 network interfaces; at most 16 are expected"},
		{"a bad hardware address", macs, "zz/", `"zz" is not a hardware address`},
		{"no list of addresses", mac + "local-ipv4s/", "-", "missing"},
		{"a bad address in a list", mac + "local-ipv4s/", "10.0.0/", `"10.0.0" is not an IP address`},
		{"too long", prefix + "instance-id", strings.Repeat("x", bodyMax+1), "more than 65536 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, url, _ := source(t, map[string]string{tc.path: tc.body})
			got, err := s.Identity(t.Context())
			if want := "read identity from " + url + tc.path + ": " + tc.want; err == nil || err.Error() != want {
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

func TestTheFakeCloudsMachineHasAnIdentity(t *testing.T) {
	t.Parallel()
	model := fakecloud.New(fakecloud.Options{Now: time.Now})
	api := faketencent.New(model, faketencent.Options{})
	private := netip.MustParseAddr("10.0.4.20")
	if err := api.AddMachine(faketencent.Machine{Instance: fakecloud.Instance{ID: "ins-aaaaaaaa", Private: []netip.Addr{private}}, MAC: "52:54:00:00:00:AA"}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(api.MetadataHandler("ins-aaaaaaaa"))
	defer srv.Close()
	s, err := New(Config{Endpoint: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := metadata.Identity{
		Target: providers.Target{Instance: "ins-aaaaaaaa", PrivateIP: private},
		Region: "ap-guangzhou", Zone: "ap-guangzhou-3", VPC: "vpc-fipctl01", Subnet: "subnet-fipctl01",
		Interfaces: []metadata.Interface{{MAC: "52:54:00:00:00:aa", Addresses: []netip.Addr{private}}},
	}
	if diff := cmp.Diff(want, got, compareIP); diff != "" {
		t.Error(diff)
	}
}

type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("nowhere") }

func TestTheUsualServiceIsAskedUnlessAnotherIsNamed(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Transport: nowhere{}})
	if err != nil || s.Cloud() != "tencent" {
		t.Fatalf("got %v, %v", s, err)
	}
	_, err = s.Identity(t.Context())
	if err == nil || !strings.Contains(err.Error(), "http://169.254.0.23/latest/meta-data/instance-id") {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{Endpoint: "169.254.169.254"}); err == nil {
		t.Error("an endpoint that is no URL is taken")
	}
}
