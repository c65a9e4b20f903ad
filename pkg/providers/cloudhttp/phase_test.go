// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serving listens and gives each connection to do; nil swallows what it says.
func serving(t *testing.T, do func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if do != nil {
					do(conn)
				}
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// answering says text to the first request of a connection.
func answering(text string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, text)
		}
	}
}

// full listens where nothing more connects: its queue of one is full.
func full(t *testing.T) (addr string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	for range 8 {
		conn, err := net.DialTimeout("tcp", at.String(), 200*time.Millisecond)
		if err != nil {
			return at.String()
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("the queue of the kernel does not fill")
	return ""
}

// over returns a client on base that gives an attempt up after d.
func over(base *http.Transport, d time.Duration) *Client {
	c := New(Config{})
	a := &attempts{base: base, gated: true, timeout: d}
	c.http.Transport = &router{reads: retryReads(a), writes: a}
	return c
}

// TestTheWaitThatEndedIsSaid: which of the waits of a request had no end, over real sockets.
func TestTheWaitThatEndedIsSaid(t *testing.T) {
	t.Parallel()
	silent, overfull := serving(t, nil), full(t)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	deaf := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", udp.LocalAddr().String())
	}}}
	half := serving(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"))
	plain := new(net.Dialer)
	for _, tc := range []struct {
		name, url, proxy string
		dialer           *net.Dialer
		want             string
	}{
		{"the name server", "http://cloud.example./", "", deaf, "no answer from cloud.example.:80 within 0.3 s while looking up the name; look at this machine's name servers (/etc/resolv.conf)"},
		{"the connection", "http://" + overfull, "", plain, "no answer from " + overfull + " within 0.3 s while connecting"},
		{"the handshake", "https://" + silent, "", plain, "no answer from " + silent + " within 0.3 s while in the TLS handshake"},
		{"the answer", "http://" + silent, "", plain, "no answer from " + silent + " within 0.3 s while waiting for the answer"},
		{"the rest of it", "http://" + half, "", plain, "no answer from " + half + " within 0.3 s while reading the answer"},
		{"the name of a proxy", "https://cloud.example", "http://proxy.example.:3128", deaf, "no answer from cloud.example:443 (through http://proxy.example.:3128) within 0.3 s while looking up the name of the proxy; look at this machine's name servers (/etc/resolv.conf)"},
		{"the connection to a proxy", "https://cloud.example", "http://" + overfull, plain, "no answer from cloud.example:443 (through http://" + overfull + ") within 0.3 s while connecting to the proxy"},
		{"the proxy", "https://cloud.example", "http://me:hush@" + silent, plain, "no answer from cloud.example:443 (through http://" + silent + ") within 0.3 s while waiting for the proxy to connect"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base := transportOver(tc.dialer)
			base.Proxy = nil
			if tc.proxy != "" {
				u, err := url.Parse(tc.proxy)
				if err != nil {
					t.Fatal(err)
				}
				base.Proxy = http.ProxyURL(u)
			}
			defer base.CloseIdleConnections()
			req, _ := http.NewRequestWithContext(t.Context(), "POST", tc.url, strings.NewReader("{}"))
			_, err := over(base, 300*time.Millisecond).Do(req)
			var bare *Error
			if !errors.As(err, &bare) || !errors.Is(err, ErrTimeout) || bare.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// TestWhoEndedARequestIsSaid, and what to do about it.
func TestWhoEndedARequestIsSaid(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	srv.Config.ErrorLog = nil
	trusted := x509.NewCertPool()
	trusted.AddCert(srv.Certificate())
	host := strings.TrimPrefix(srv.URL, "https://")
	_, port, _ := net.SplitHostPort(host)
	cut := serving(t, func(conn net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(conn)); conn.Close() })
	clear := serving(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	noisy := serving(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "220 mail ready\r\n") })
	wants := serving(t, answering("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
	forbids := serving(t, answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
	const ca = "; install or renew this machine's CA certificates (package ca-certificates, or SSL_CERT_FILE), and see that nobody on the way answers in its place"
	for _, tc := range []struct {
		name, url, proxy string
		tls              *tls.Config
		want             []string // parts; what is between them is of the libraries
	}{
		{"an unknown authority", srv.URL, "", &tls.Config{RootCAs: x509.NewCertPool()}, []string{"the certificate of " + host + " is refused: ", ca}},
		{"another name", "https://localhost:" + port, "", &tls.Config{RootCAs: trusted}, []string{"the certificate of localhost:" + port + " is refused: ", "; look at the endpoint, and at what answers in its place"}},
		{"another time", srv.URL, "", &tls.Config{RootCAs: trusted, Time: func() time.Time { return srv.Certificate().NotAfter.Add(time.Hour) }},
			[]string{"the certificate of " + host + " is refused: ", "; look at the clock of this machine; if it is right, whoever runs the server has to renew the certificate"}},
		{"no TLS", "https://" + clear, "", nil, []string{clear + " does not speak TLS: ", "; look at the endpoint"}},
		{"another protocol", "https://" + noisy, "", nil, []string{noisy + " does not speak TLS: ", "; look at the endpoint"}},
		{"an end without an answer", "http://" + cut, "", nil, []string{cut + " ended the connection while waiting for the answer: "}},
		{"a proxy that knows us not", "https://cloud.example", "http://" + wants, nil,
			[]string{"the proxy http://" + wants + " wants a user and a password (407 Proxy Authentication Required); put USER:PASSWORD@ before its host"}},
		{"a proxy that will not", "https://cloud.example", "http://me:hush@" + forbids, nil, []string{"the proxy http://" + forbids + " does not connect to cloud.example:443 (403 Forbidden)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base := newTransport()
			base.Proxy, base.TLSClientConfig = nil, tc.tls
			if tc.proxy != "" {
				u, _ := url.Parse(tc.proxy)
				base.Proxy = http.ProxyURL(u)
			}
			defer base.CloseIdleConnections()
			req, _ := http.NewRequestWithContext(t.Context(), "GET", tc.url, nil)
			_, err := over(base, 2*time.Second).Do(req)
			var bare *Error
			if !errors.As(err, &bare) {
				t.Fatalf("got %v", err)
			}
			rest := bare.Error()
			for _, part := range tc.want {
				_, after, found := strings.Cut(rest, part)
				if !found {
					t.Errorf("got  %s\nwant %q", bare, tc.want)
				}
				rest = after
			}
		})
	}
}

// TestAGarbageProxyIsSaid, by the variable it stands in and not with what stands there, which
// may hold a password. The environment is read once in a process, so this takes one each.
func TestAGarbageProxyIsSaid(t *testing.T) {
	t.Parallel()
	if os.Getenv("CLOUDHTTP_TEST_URL") != "" {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", os.Getenv("CLOUDHTTP_TEST_URL"), nil)
		if _, err := New(Config{}).Do(req); err != nil {
			t.Logf("said: %v", errors.Unwrap(err))
		}
		return
	}
	const rule = " must be http://HOST:PORT, or https:// or socks5:// in its place, with USER:PASSWORD@ before the host if need be, special characters in these percent-encoded (% as %25), and no white space; correct it, or unset it and restart"
	const secure, plain = "https://cloud.example", "http://cloud.example"
	for _, tc := range []struct{ name, value, url string }{
		{"HTTPS_PROXY", "http://me:hush@pro xy:3128", secure},
		{"HTTPS_PROXY", "http://proxy.example:port", secure},
		{"HTTPS_PROXY", "http://proxy.example:99999", secure},
		{"HTTPS_PROXY", "ftp://hush.example:21", secure},
		{"HTTP_PROXY", "://hush", plain},
		// What follows net/http takes for no proxy, and would go direct.
		{"HTTPS_PROXY", "http://me:hush%@proxy.example:3128", secure},
		{"HTTPS_PROXY", "http://me:hu%sh@proxy.example:3128", secure},
		{"https_proxy", "%zz", secure},
		{"HTTPS_PROXY", " http://hush.example:3128", secure},
		{"HTTPS_PROXY", "http://hush.example:3128\n", secure},
		{"http_proxy", "http://hush.example:3128 ", plain},
		{"HTTPS_PROXY", " ", secure},
		// And of these a part of the password for the host.
		{"HTTPS_PROXY", "http://me:1#hush@proxy.example:3128", secure},
		{"HTTPS_PROXY", "http://me:1?hush@proxy.example:3128", secure},
		{"HTTPS_PROXY", "http://me:1/hush@proxy.example:3128", secure},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAGarbageProxyIsSaid$", "-test.v")
		cmd.Env = []string{"CLOUDHTTP_TEST_URL=" + tc.url, tc.name + "=" + tc.value}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "said: no usable proxy in the environment: "+tc.name+rule+"\n") || strings.Contains(string(out), "hush") {
			t.Errorf("%s=%s: %v\n%s", tc.name, tc.value, err, out)
		}
	}
}

// TestAProxyIsAskedAsItIsWritten in the forms that are allowed, and never for this machine.
func TestAProxyIsAskedAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"http://proxy.example:3128", "proxy.example:3128", "proxy.example", "https://me:a%25b%40c@proxy.example/",
		"socks5://[fd00::1]:1080", "10.0.0.1:3128", "localhost:3128",
	} {
		if !isProxy(value) {
			t.Errorf("%s is refused", value)
		}
	}
	for host, want := range map[string]bool{"localhost": true, "127.0.0.9": true, "::1": true, "cloud.example": false, "10.0.0.1": false} {
		if isLoopback(host) != want {
			t.Errorf("isLoopback(%s) = %v", host, !want)
		}
	}
}

// TestALookupThatFailsIsSaid: in the words of the resolver it is a server that misbehaves.
func TestALookupThatFailsIsSaid(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]net.DNSError{
		"the name server 10.0.0.2:53 cannot look up cloud.example (server misbehaving); look at /etc/resolv.conf and at that server": {Err: "server misbehaving", Name: "cloud.example", Server: "10.0.0.2:53", IsTemporary: true},
		"the name server 10.0.0.2:53 knows no cloud.example; look at the endpoint, and at /etc/resolv.conf":                          {Err: "no such host", Name: "cloud.example", Server: "10.0.0.2:53", IsNotFound: true},
		"this machine's resolver knows no cloud.example; look at the endpoint, and at /etc/resolv.conf":                              {Err: "no such host", Name: "cloud.example", IsNotFound: true},
		"this machine's resolver cannot look up cloud.example (i/o timeout); look at /etc/resolv.conf":                               {Err: "i/o timeout", Name: "cloud.example", IsTimeout: true},
	} {
		failing := &roundTrip{f: func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &err}
		}}
		_, got := New(Config{Transport: failing}).Do(request(t, t.Context(), "POST", "{}"))
		var bare *Error
		if !errors.As(got, &bare) || bare.Error() != want || !errors.Is(got, ErrName) {
			t.Errorf("got  %v\nwant %s", got, want)
		}
	}
}
