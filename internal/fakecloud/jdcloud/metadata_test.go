// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// meta asks the metadata service of a machine.
func (w *world) meta(id, path string) (int, string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.jd.MetadataHandler(id).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

func TestTheMetadataTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.must(w.jd.AddInterface(fakejd.Interface{ID: "port-b2", Instance: "i-b", PrimaryIP: ip("10.0.4.31"), MAC: "fa:16:3e:00:00:02"}))
	const missing = "Not Found\n"
	mac, _ := w.get(nicA).at("result", "networkInterface", "macAddress").(string)
	tests := []struct {
		id, path string
		status   int
		want     string
	}{
		{"i-a", "/", 200, `["attributes/","network/","placement/","image/","description","instance-name","instance-type","instance-id","pin"]`},
		{"i-a", "/instance-id", 200, "i-a"},
		{"i-a", "/instance-name", 200, "i-a"},
		{"i-a", "/placement/", 200, `["region","availability-zone"]`},
		{"i-a", "/placement/region", 200, "cn-north-1"},
		{"i-a", "/placement/availability-zone", 200, "cn-north-1c"},
		{"i-a", "/attributes/hostname", 200, "i-a"},
		{"i-a", "/network/", 200, `["1/"]`},
		{"i-b", "/network/", 200, `["1/","2/"]`},
		{"i-a", "/network/1/", 200, `["local-ipv4","floating-ipv4","mac","network-interface-id","subnet-id","security-group-ids"]`},
		{"i-b", "/network/1/", 200, `["local-ipv4","mac","network-interface-id","subnet-id","security-group-ids"]`},
		{"i-a", "/network/1/local-ipv4", 200, "10.0.4.20"},
		{"i-a", "/network/1/floating-ipv4", 200, "203.0.113.10"},
		{"i-b", "/network/1/floating-ipv4", 404, missing},
		{"i-a", "/network/1/mac", 200, mac},
		{"i-b", "/network/2/mac", 200, "fa:16:3e:00:00:02"},
		{"i-b", "/network/2/network-interface-id", 200, "port-b2"},
		{"i-a", "/network/1/network-interface-id", 200, "port-a"},
		{"i-a", "/network/1/subnet-id", 200, "subnet-0fipctl0a"},
		{"i-a", "/network/1/security-group-ids", 200, `["sg-0fipctl0aa"]`},
		{"i-a", "/network/3/", 404, missing},
		{"i-a", "/network/1", 404, missing},
		{"i-a", "/network", 404, missing},
		{"i-a", "/nothing", 404, missing},
		{"i-a", "", 404, missing},
		{"i-x", "/instance-id", 404, missing},
	}
	for _, prefix := range []string{"/metadata/latest", "/jcs-metadata/latest"} {
		for _, tt := range tests {
			if status, got := w.meta(tt.id, prefix+tt.path); status != tt.status || got != tt.want {
				t.Errorf("%s%s of %s: got %d %q, want %d %q", prefix, tt.path, tt.id, status, got, tt.status, tt.want)
			}
		}
	}
	if status, _ := w.meta("i-a", "/other/latest/instance-id"); status != 404 {
		t.Errorf("another prefix: got %d, want 404", status)
	}
	rec := httptest.NewRecorder()
	w.jd.MetadataHandler("i-a").ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/metadata/latest/instance-id", nil))
	if rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("a POST: got %d, want 405", rec.Code)
	}
	if n := len(w.model.Journal()); n != 1 { // the look at the interface above
		t.Errorf("the journal has %d calls, want none of the metadata", n)
	}
	w.must(w.model.SetState("i-b", providers.InstanceGone))
	if status, _ := w.meta("i-b", "/metadata/latest/instance-id"); status != 404 {
		t.Errorf("of a machine that is gone: got %d, want 404", status)
	}
}

func TestMetadataValuesCanBeQuoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{QuotedMetadata: true})
	for path, want := range map[string]string{
		"instance-id": `"i-a"`, "network/1/security-group-ids": `["sg-0fipctl0aa"]`, "network/": `["1/"]`,
	} {
		if _, got := w.meta("i-a", "/metadata/latest/"+path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

func TestTheMetadataFollowsTheEIPWithALag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{MetadataLag: 3 * time.Second})
	w.advance(time.Minute)
	w.must(w.model.Place(ip("203.0.113.10"), w.target("i-b", byEIP)))
	status := func(id string) int { s, _ := w.meta(id, "/metadata/latest/network/1/floating-ipv4"); return s }
	for _, want := range [][2]int{{200, 404}, {404, 200}} {
		if got := [2]int{status("i-a"), status("i-b")}; got != want {
			t.Errorf("%s: at a and b: got %v, want %v", w.clock(), got, want)
		}
		w.advance(3 * time.Second)
	}
	w.jd.SetMetadataLag(time.Hour)
	if got := status("i-a"); got != 200 {
		t.Errorf("with more lag: got %d, want 200", got)
	}
}

func TestRoleCredentials(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		options    fakejd.Options
		role       *fakejd.Credential
		wantOpened string
	}{
		{"without a role", fakejd.Options{}, nil, `{"Code":"fail","accessKey":"","secretKey":"","sessionToken":""}`},
		{"with one", fakejd.Options{}, &fakejd.Credential{AccessKey: "ak", SecretKey: "sk", Token: "tok"}, `{"Code":"success","accessKey":"ak","secretKey":"sk","sessionToken":"tok"}`},
		{"in an array", fakejd.Options{RoleCredentialsArray: true}, nil, `[{"Code":"fail","accessKey":"","secretKey":"","sessionToken":""}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.options)
			w.jd.SetRole("i-a", tt.role)
			status, got := w.meta("i-a", "/metadata/latest/iam/instance-role-security-credentials")
			if status != 200 || got != tt.wantOpened {
				t.Errorf("got %d %s, want %s", status, got, tt.wantOpened)
			}
		})
	}
}

func TestOneMachinesMetadataCanBeUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	clear := w.jd.MetadataHandler("i-a").Inject(face.Match{}, face.ServerError(500), 0)
	if status, body := w.meta("i-a", "/metadata/latest/instance-id"); status != 500 || body != "Internal Server Error\n" {
		t.Errorf("got %d %q, want 500", status, body)
	}
	if status, _ := w.meta("i-b", "/metadata/latest/instance-id"); status != 200 {
		t.Errorf("the other machine: got %d, want 200", status)
	}
	clear()
	if status, _ := w.meta("i-a", "/metadata/latest/instance-id"); status != 200 {
		t.Errorf("after the fault: got %d, want 200", status)
	}
}
