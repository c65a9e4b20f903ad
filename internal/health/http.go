// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
)

// The bounds of an HTTP check. A health page is small; one that is larger has
// shown by its first bytes that the service answers.
const (
	bodyMax      = 64 << 10 // bytes read of a body
	headerMax    = 64 << 10 // bytes read of a header
	RedirectsMax = 10       // redirects that may be allowed
)

// The statuses that an HTTP check accepts unless it says otherwise: success, and
// a redirect, which is an answer.
const (
	DefaultStatusMin = 200
	DefaultStatusMax = 399
)

// HTTP asks a URL with GET, over a connection of its own and never through a
// proxy. The service is well if the status is in the range and the body, up to
// 64 KiB, arrives in time.
type HTTP struct {
	URL       string // http or https, may hold placeholders
	Host      string // sent instead of the URL's host, and expected in the certificate; "": the URL's
	StatusMin int    // 0: 200
	StatusMax int    // 0: 399
	Redirects int    // how many to follow; 0: a redirect is the answer
	Insecure  bool   // do not verify the certificate
}

// String returns "http" and the URL without its password.
func (h HTTP) String() string {
	if u, err := url.Parse(h.URL); err == nil {
		// Redacted escapes the braces of a placeholder in the path.
		return "http " + strings.NewReplacer("%7B", "{", "%7D", "}").Replace(u.Redacted())
	}
	if strings.Contains(h.URL, "@") {
		return "http (a URL with credentials)"
	}
	return "http " + h.URL
}

// Problems implements [Probe].
func (h HTTP) Problems() []Problem {
	ps := expandProblem("http", h.URL)
	if len(ps) == 0 {
		if _, err := h.target(sampleValues); err != nil {
			ps = append(ps, Problem{"http", err.Error()})
		}
	}
	lo, hi := h.statuses()
	if lo < 100 || hi > 599 || lo > hi {
		ps = append(ps, Problem{"status", fmt.Sprintf("%d-%d is no range within 100-599; use %d-%d",
			lo, hi, DefaultStatusMin, DefaultStatusMax)})
	}
	if h.Redirects < 0 || h.Redirects > RedirectsMax {
		ps = append(ps, Problem{"redirects", fmt.Sprintf("%d is outside 0 to %d; use 0 to take a redirect as the answer",
			h.Redirects, RedirectsMax)})
	}
	return ps
}

// Ask implements [Probe].
func (h HTTP) Ask(ctx context.Context, v Values) (string, error) {
	u, err := h.target(v)
	if err != nil {
		return "", err
	}
	names := &lookups{}
	status, err := h.get(httptrace.WithClientTrace(ctx, names.trace()), u)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // it repeats the method and the URL
		}
		return "", fmt.Errorf("get %s: %w", u.Redacted(), judged(because(ctx, names.unresolved(reduced(err)))))
	}
	if lo, hi := h.statuses(); status < lo || status > hi {
		return "", fmt.Errorf("get %s: status %d, want %d-%d", u.Redacted(), status, lo, hi)
	}
	return fmt.Sprintf("get %s: status %d", u.Redacted(), status), nil
}

// get sends the request, reads the answer and returns its status.
func (h HTTP) get(ctx context.Context, u *url.URL) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, err
	}
	req.Host = h.Host
	req.Header.Set("User-Agent", "fipctl-check")
	tr := h.transport()
	defer tr.CloseIdleConnections()
	client := &http.Client{
		Transport: tr,
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > h.Redirects {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp.StatusCode, nil // its body is the bare connection, of which no deadline ends a read
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, bodyMax)); err != nil {
		return 0, fmt.Errorf("read body after status %d: %w", resp.StatusCode, err)
	}
	return resp.StatusCode, nil
}

// lookups follows the names that a request looks up. Where a request ends while one is
// being looked up, the client says of it only that its time was over.
type lookups struct {
	mu   sync.Mutex
	name string // that is being looked up; "": none
}

func (l *lookups) trace() *httptrace.ClientTrace {
	note := func(name string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.name = name
	}
	return &httptrace.ClientTrace{
		DNSStart: func(i httptrace.DNSStartInfo) { note(i.Host) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			if i.Err == nil {
				note("")
			}
		},
	}
}

// unresolved returns err as one about the name that was not found by then, if any.
func (l *lookups) unresolved(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var name *net.DNSError
	if l.name == "" || errors.As(err, &name) {
		return err
	}
	return &net.DNSError{Err: err.Error(), Name: l.name}
}

// transport returns a transport for a single question: a connection that is
// still open from an earlier one would say that the service accepted it then.
func (h HTTP) transport() *http.Transport {
	conf := &tls.Config{InsecureSkipVerify: h.Insecure}
	if host, _, err := net.SplitHostPort(h.Host); err == nil {
		conf.ServerName = host
	} else {
		conf.ServerName = h.Host
	}
	return &http.Transport{
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: headerMax,
		TLSClientConfig:        conf,
	}
}

// target returns the URL to ask.
func (h HTTP) target(v Values) (*url.URL, error) {
	s, err := Expand(h.URL, v)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(s)
	if err != nil {
		// The error of url.Parse quotes the URL, and with it a password.
		return nil, errors.New("is no URL; write http://host:port/path")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is no http or https URL with a host; write http://host:port/path", u.Redacted())
	}
	return u, nil
}

// statuses returns the accepted range.
func (h HTTP) statuses() (lo, hi int) {
	lo, hi = h.StatusMin, h.StatusMax
	if lo == 0 {
		lo = DefaultStatusMin
	}
	if hi == 0 {
		hi = max(lo, DefaultStatusMax)
	}
	return lo, hi
}
