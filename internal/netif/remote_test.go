// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestRemote(t *testing.T) {
	t.Parallel()
	for _, tt := range contract {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := NewMemory(
				Link{Name: Loopback, Prefixes: prefixes("127.0.0.1/8", "::1/128")},
				Link{Name: "eth0", MAC: "02:00:5e:10:00:01", Prefixes: prefixes(
					foreignWide4+"/24", foreignHost4+"/32", foreignWide6+"/64")},
			)
			server := httptest.NewServer(Machines{"lb-a": m, "lb-b": NewMemory()})
			t.Cleanup(server.Close)
			remote := func() Interfaces { return newRemote(t, server.URL+"/", "lb-a") }
			tt.run(t, machineOf(m, remote))
		})
	}
}

func newRemote(t *testing.T, endpoint, node string) *Remote {
	t.Helper()
	r, err := NewRemote(endpoint, node)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.http.CloseIdleConnections)
	return r
}

func TestRemoteTellsWhoListensOnTheOtherSide(t *testing.T) {
	t.Parallel()
	m := NewMemory(Link{Name: "eth0", MAC: "02:00:5e:10:00:01"})
	m.OnAnnounce(func(Frame) error { return errors.New("outside the drift range") })
	server := httptest.NewServer(Machines{"lb-a": m})
	t.Cleanup(server.Close)
	r := newRemote(t, server.URL, "lb-a")
	add(t, r, float4, "eth0")
	wantWithheld(t, r, t.Context(), float4, "eth0", permitted, 0, "announce 203.0.113.7 on eth0: outside the drift range")
}

func TestRemoteSaysWhatIsWrongWithTheOtherSide(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(Machines{})
	t.Cleanup(server.Close)
	r := newRemote(t, server.URL, "lb-a")
	addr := netip.MustParseAddr(float4)
	wantError(t, addErr(t.Context(), r, addr, "eth0"), "add 203.0.113.7 to eth0: 404 Not Found: no machine of that name")
	_, err := r.Placed(t.Context(), addr)
	wantError(t, err, "list interfaces: 404 Not Found: no machine of that name")
	server.Close()
	if _, err := r.AddHost(t.Context(), addr, "eth0"); err == nil || !strings.Contains(err.Error(), "add 203.0.113.7 to eth0: Post ") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestRemoteNeedsAPlainURL(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"", "127.0.0.1:8080", "https://127.0.0.1", "http:///path", "http://127.0.0.1/?a=b"} {
		if _, err := NewRemote(endpoint, "lb-a"); err == nil {
			t.Errorf("%q is taken", endpoint)
		}
	}
}

func TestMachinesRefuseWhatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	ms := Machines{"lb-a": NewMemory()}
	for _, tt := range []struct {
		method, path, body string
		code               int
	}{
		{http.MethodGet, "/add", "", http.StatusNotFound},
		{http.MethodPost, "/local", "", http.StatusNotFound},
		{http.MethodPost, "/add", "{", http.StatusBadRequest},
		{http.MethodPost, "/add", `{"node":"lb-a","addr":"nowhere"}`, http.StatusBadRequest},
		{http.MethodPost, "/add", `{"node":"lb-a","iface":"eth0"}`, http.StatusUnprocessableEntity},
	} {
		w := httptest.NewRecorder()
		ms.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.code {
			t.Errorf("%s %s %s: %d, want %d", tt.method, tt.path, tt.body, w.Code, tt.code)
		}
	}
}
