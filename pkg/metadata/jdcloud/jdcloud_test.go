// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// machine is the service of a machine with two interfaces, by path below the tree.
var machine = map[string]string{
	"instance-id":                    "i-eumm1234d6",
	"placement/region":               "cn-north-1",
	"placement/availability-zone":    "cn-north-1c",
	"attributes/hostname":            "lb-a",
	"network/":                       `["1/","2/"]`,
	"network/1/network-interface-id": "port-n2h71234se",
	"network/1/local-ipv4":           "10.0.4.20",
	"network/1/floating-ipv4":        "116.111.11.1",
	"network/1/mac":                  "FA:16:3e:a8:a4:01",
	"network/1/subnet-id":            "subnet-9z8y7x6w5v",
	"network/2/network-interface-id": "port-2",
	"network/2/local-ipv4":           "10.0.5.20",
	"network/2/mac":                  "fa:16:3e:a8:a4:02",
}

var compareIP = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func identity() metadata.Identity {
	ip := netip.MustParseAddr
	return metadata.Identity{
		Target:   providers.Target{Instance: "i-eumm1234d6", Interface: "port-n2h71234se", PrivateIP: ip("10.0.4.20")},
		Hostname: "lb-a", Region: "cn-north-1", Zone: "cn-north-1c", Subnet: "subnet-9z8y7x6w5v",
		Interfaces: []metadata.Interface{
			{MAC: "fa:16:3e:a8:a4:01", Addresses: []netip.Addr{ip("10.0.4.20")}},
			{MAC: "fa:16:3e:a8:a4:02", Addresses: []netip.Addr{ip("10.0.5.20")}},
		},
	}
}

// service answers with values below a tree and keeps what it was asked for.
type service struct {
	tree   string
	values map[string]string
	mu     sync.Mutex
	asked  []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.Path)
	path, ok := strings.CutPrefix(r.URL.Path, s.tree)
	value, known := s.values[path]
	switch {
	case !ok || !known:
		w.WriteHeader(http.StatusNotFound)
	case value == "redirect":
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	case value == "broken":
		w.WriteHeader(http.StatusInternalServerError)
	default:
		_, _ = io.WriteString(w, value)
	}
}

// source returns a source for a service that is h.
func source(t *testing.T, h http.Handler) (s *Source, url string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	s, err := New(Config{Endpoint: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	return s, srv.URL
}

// changed returns the machine with other values; "absent" takes one away.
func changed(pairs ...string) map[string]string {
	values := maps.Clone(machine)
	for pair := range slices.Chunk(pairs, 2) {
		if values[pair[0]] = pair[1]; pair[1] == "absent" {
			delete(values, pair[0])
		}
	}
	return values
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	quoted := map[string]string{}
	for path, value := range machine {
		if quoted[path] = ` "` + value + "\" \n"; path == "network/" {
			quoted[path] = value + "\n"
		}
	}
	from0 := changed("network/", `["1/", "0/"]`)
	for path, value := range machine {
		if old, ok := strings.CutPrefix(path, "network/1/"); ok {
			from0["network/0/"+old], from0["network/1/"+old] = value, machine["network/2/"+old]
		}
	}
	bare := identity()
	bare.Hostname, bare.Zone, bare.Subnet = "", "", ""
	for _, tc := range []struct {
		name, tree string
		values     map[string]string
		want       metadata.Identity
	}{
		{"a machine with two interfaces", "/metadata/latest/", machine, identity()},
		{"the other name of the tree", "/jcs-metadata/latest/", machine, identity()},
		{"values in quotes", "/metadata/latest/", quoted, identity()},
		{"interfaces counted from 0 and out of order", "/metadata/latest/", from0, identity()},
		{"what a machine may lack", "/metadata/latest/", changed("attributes/hostname", "absent",
			"placement/availability-zone", "absent", "network/1/subnet-id", "absent"), bare},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := &service{tree: tc.tree, values: tc.values}
			s, _ := source(t, h)
			got, err := s.Identity(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, compareIP); diff != "" {
				t.Error(diff)
			}
			for _, path := range h.asked {
				if strings.Contains(path, "floating-ipv4") {
					t.Error("asked which EIP the machine has")
				}
			}
		})
	}
}

func TestABadAnswerIsOneLineThatNamesTheURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, path, value, want string }{
		{"neither tree", "instance-id", "absent", "unexpected status 404"},
		{"no instance id", "instance-id", "", "empty"},
		{"an instance id of two words", "instance-id", "i-1\ni-2", `"i-1\ni-2" is not one word`},
		{"a page", "instance-id", "<html> <body>", `"<html> <body>" is not one word`},
		{"server error", "instance-id", "broken", "unexpected status 500"},
		{"a redirect is not followed", "placement/region", "redirect", "unexpected status 302"},
		{"no region", "placement/region", "absent", "unexpected status 404"},
		{"an optional value that cannot be read", "attributes/hostname", "broken", "unexpected status 500"},
		{"no directory of interfaces", "network/", "absent", "unexpected status 404"},
		{"a directory as other clouds have it", "network/", "1/\n2/", `"1/\n2/" is not a JSON array of names`},
		{"no interface", "network/", "[]", "empty"},
		{"a name that is no number", "network/", `["eth0/"]`, `"eth0/" is not the number of an interface`},
		{"a negative number", "network/", `["-1/"]`, `"-1/" is not the number of an interface`},
		{"no interface id", "network/1/network-interface-id", "absent", "unexpected status 404"},
		{"bad address", "network/1/local-ipv4", "10.0.4", `"10.0.4" is not an IPv4 address`},
		{"an IPv6 address", "network/2/local-ipv4", "2001:db8::1", `"2001:db8::1" is not an IPv4 address`},
		{"bad hardware address", "network/2/mac", "zz", `"zz" is not a hardware address`},
		{"too long", "network/2/mac", strings.Repeat("a", bodyMax+1), "more than 65536 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, url := source(t, &service{tree: "/metadata/latest/", values: changed(tc.path, tc.value)})
			got, err := s.Identity(t.Context())
			if want := "read identity from " + url + "/metadata/latest/" + tc.path + ": " + tc.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if diff := cmp.Diff(metadata.Identity{}, got, compareIP); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheNumberOfRequestsIsBounded(t *testing.T) {
	t.Parallel()
	values := changed("network/", `["1/","2/","3/","4/","5/","6/","7/","8/","9/","10/"]`)
	for i := range 10 {
		dir := "network/" + string(rune('0'+i)) + "/"
		values[dir+"local-ipv4"], values[dir+"mac"] = "10.0.6.1", "fa:16:3e:a8:a4:02"
	}
	h := &service{tree: "/jcs-metadata/latest/", values: values}
	s, _ := source(t, h)
	got, err := s.Identity(t.Context())
	if err != nil || len(got.Interfaces) != 8 {
		t.Errorf("%d interfaces, %v", len(got.Interfaces), err)
	}
	if n := len(h.asked); n > 24 {
		t.Errorf("%d requests", n)
	}
}

func TestAfterAFailureNothingMoreIsAsked(t *testing.T) {
	t.Parallel()
	h := &service{tree: "/metadata/latest/", values: changed("placement/region", "broken")}
	s, _ := source(t, h)
	_, _ = s.Identity(t.Context()) // what it says is another test's
	want := []string{"/metadata/latest/instance-id", "/metadata/latest/placement/region"}
	if diff := cmp.Diff(want, h.asked); diff != "" {
		t.Error(diff)
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
	for _, quoted := range []bool{false, true} {
		model := fakecloud.New(fakecloud.Options{Now: time.Now})
		api := fakejd.New(model, fakejd.Options{QuotedMetadata: quoted})
		private := netip.MustParseAddr("10.0.4.20")
		if err := api.AddMachine(fakejd.Machine{Instance: fakecloud.Instance{ID: "i-a", Name: "lb-a", Private: []netip.Addr{private}}}); err != nil {
			t.Fatal(err)
		}
		s, _ := source(t, api.MetadataHandler("i-a"))
		got, err := s.Identity(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Target != api.Identity("i-a") || got.Region != "cn-north-1" || got.Hostname != "lb-a" || len(got.Interfaces) != 1 || got.Subnet == "" || got.Zone == "" {
			t.Errorf("quoted %v: got %+v", quoted, got)
		}
	}
}

type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("nowhere") }

func TestTheUsualServiceIsAskedUnlessAnotherIsNamed(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Transport: nowhere{}})
	if err != nil || s.Cloud() != "jdcloud" {
		t.Fatalf("got %v, %v", s, err)
	}
	_, err = s.Identity(t.Context())
	if err == nil || !strings.Contains(err.Error(), "http://169.254.169.254/metadata/latest/instance-id") {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{Endpoint: "169.254.169.254"}); err == nil {
		t.Error("an endpoint that is no URL is taken")
	}
}
