// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// page answers every path the way its name says.
func page(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/moved":
		http.Redirect(w, r, "/ok", http.StatusFound)
	case "/twice":
		http.Redirect(w, r, "/moved", http.StatusFound)
	case "/away":
		http.Redirect(w, r, "/host", http.StatusFound)
	case "/down":
		w.WriteHeader(http.StatusServiceUnavailable)
	case "/login":
		w.WriteHeader(http.StatusUnauthorized)
	case "/host":
		if r.Host != "www.example.com" {
			w.WriteHeader(http.StatusMisdirectedRequest)
		}
	case "/cut":
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
	case "/endless":
		for chunk := strings.Repeat("x", 4096); r.Context().Err() == nil; {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	case "/hang":
		<-r.Context().Done()
	case "/hang-in-body":
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case "/switch":
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "x")
		w.WriteHeader(http.StatusSwitchingProtocols)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(page))
	t.Cleanup(srv.Close)
	// SRV in texts stands for the address of the server.
	tests := []struct {
		name  string
		probe HTTP
		text  string
		err   string
	}{
		{"200 is well", HTTP{URL: "/ok"}, "get http://SRV/ok: status 200", ""},
		{"a redirect is an answer and not followed", HTTP{URL: "/moved"}, "get http://SRV/moved: status 302", ""},
		{"a redirect is followed when allowed", HTTP{URL: "/moved", Redirects: 1, StatusMax: 299}, "get http://SRV/moved: status 200", ""},
		{"no more redirects are followed than allowed", HTTP{URL: "/twice", Redirects: 1, StatusMax: 299},
			"", "get http://SRV/twice: status 302, want 200-299"},
		{"5xx fails", HTTP{URL: "/down"}, "", "get http://SRV/down: status 503, want 200-399"},
		{"an expected 401 is well", HTTP{URL: "/login", StatusMin: 401, StatusMax: 401}, "get http://SRV/login: status 401", ""},
		{"200 fails where 401 is expected", HTTP{URL: "/ok", StatusMin: 401, StatusMax: 401},
			"", "get http://SRV/ok: status 200, want 401-401"},
		{"the host header is the one asked for", HTTP{URL: "/host", Host: "www.example.com"}, "get http://SRV/host: status 200", ""},
		{"the host header is kept when a redirect is followed", HTTP{URL: "/away", Host: "www.example.com", Redirects: 1},
			"get http://SRV/away: status 200", ""},
		{"the host header is the URL's by default", HTTP{URL: "/host"}, "", "get http://SRV/host: status 421, want 200-399"},
		{"a body that breaks off fails", HTTP{URL: "/cut"}, "", "get http://SRV/cut: read body after status 200: unexpected EOF"},
		{"an endless body is well", HTTP{URL: "/endless"}, "get http://SRV/endless: status 200", ""},
		{"a switch of protocols has no body to wait for", HTTP{URL: "/switch"}, "", "get http://SRV/switch: status 101, want 200-399"},
		{"placeholders are replaced", HTTP{URL: "/{node}"}, "get http://SRV/lb-a: status 200", ""},
	}
	addr := srv.Listener.Addr().String()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.probe.URL = srv.URL + tt.probe.URL
			text, err := tt.probe.Ask(t.Context(), Values{Node: "lb-a"})
			got := []string{strings.ReplaceAll(text, addr, "SRV"), strings.ReplaceAll(errText(err), addr, "SRV")}
			if diff := cmp.Diff([]string{tt.text, tt.err}, got); diff != "" {
				t.Errorf("text and error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPHangingServersTimeOut(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(page))
	t.Cleanup(srv.Close)
	for path, want := range map[string]string{
		"/hang":         "get " + srv.URL + "/hang: timed out after 30ms",
		"/hang-in-body": "get " + srv.URL + "/hang-in-body: timed out after 30ms",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			res := Once(t.Context(), Check{Timeout: 30e6, Probe: HTTP{URL: srv.URL + path}}, Values{})
			if diff := cmp.Diff(want, res.Text); diff != "" || res.OK {
				t.Errorf("ok %v, text (-want +got):\n%s", res.OK, diff)
			}
		})
	}
}

func TestHTTPUsesANewConnectionEachTime(t *testing.T) {
	t.Parallel()
	var conns, kept atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if !r.Close {
			kept.Add(1)
		}
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	for range 3 {
		if _, err := (HTTP{URL: srv.URL}).Ask(t.Context(), Values{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := conns.Load(); got != 3 {
		t.Errorf("3 questions used %d connections", got)
	}
	if got := kept.Load(); got != 0 {
		t.Errorf("%d of 3 questions asked to keep the connection open", got)
	}
}

func TestHTTPReadsABoundedPartOfTheBody(t *testing.T) {
	t.Parallel()
	sent := make(chan int, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := 0
		for chunk := strings.Repeat("x", 4096); n < 64<<20; {
			m, err := io.WriteString(w, chunk)
			n += m
			if err != nil {
				break
			}
		}
		sent <- n
	}))
	t.Cleanup(srv.Close)
	if _, err := (HTTP{URL: srv.URL}).Ask(t.Context(), Values{}); err != nil {
		t.Fatal(err)
	}
	if n := <-sent; n >= 64<<20 {
		t.Errorf("the server sent all of %d bytes", n)
	}
}

func TestHTTPChecksTheCertificateOfTheHost(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(page))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	_, err := HTTP{URL: srv.URL}.Ask(t.Context(), Values{})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown certificate: %v, want an error about it", err)
	}
	if _, err := (HTTP{URL: srv.URL, Insecure: true}).Ask(t.Context(), Values{}); err != nil {
		t.Errorf("an unknown certificate that is allowed: %v", err)
	}
}

func TestHTTPErrorsKeepThePassword(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("over"))
	_, err := HTTP{URL: "http://me:secret@127.0.0.1/"}.Ask(ctx, Values{})
	if diff := cmp.Diff("get http://me:xxxxx@127.0.0.1/: over", errText(err)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestHTTPReachesAnIPv6Anchor(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no IPv6 loopback: %v", err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(page)}}
	srv.Start()
	t.Cleanup(srv.Close)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	v := Values{Anchor: netip.IPv6Loopback()}
	for _, p := range []Probe{HTTP{URL: "http://{anchor}:" + port + "/ok"}, TCP{"{anchor}:" + port}} {
		if _, err := p.Ask(t.Context(), v); err != nil {
			t.Errorf("%v: %v", p, err)
		}
	}
}
