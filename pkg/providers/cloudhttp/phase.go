// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// phase is what an attempt waits for.
type phase int32

// The phases, in the order in which an attempt goes through them. One that gets a warm
// connection begins with sending.
const (
	starting phase = iota
	lookingUp
	connecting
	joining // the proxy, if any, makes the connection to the cloud
	shaking
	sending
	waiting
	reading
)

// text says of a phase what went on in it, for "no answer ... while".
func (p phase) text(proxied bool) string {
	switch {
	case p == lookingUp && proxied:
		return "looking up the name of the proxy"
	case p == lookingUp:
		return "looking up the name"
	case p == connecting && proxied:
		return "connecting to the proxy"
	case p == connecting:
		return "connecting"
	case p == joining && proxied:
		return "waiting for the proxy to connect"
	case p == shaking:
		return "in the TLS handshake"
	case p == sending:
		return "sending the request"
	case p == waiting:
		return "waiting for the answer"
	case p == reading:
		return "reading the answer"
	default:
		return "waiting for a connection"
	}
}

// progress follows an attempt through its phases, from whatever goroutine. A dial that the
// attempt no longer needs, since another connection came free, tells nothing any more.
type progress struct{ at atomic.Int32 }

func (p *progress) now() phase { return phase(p.at.Load()) }

func (p *progress) set(to phase) { p.at.Store(int32(to)) }

func (p *progress) dialing(to phase) {
	for at := p.at.Load(); phase(at) < sending; at = p.at.Load() {
		if p.at.CompareAndSwap(at, int32(to)) {
			return
		}
	}
}

// trace returns the hooks that follow an attempt.
func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:      func(string) { p.set(starting) },
		DNSStart:     func(httptrace.DNSStartInfo) { p.dialing(lookingUp) },
		ConnectStart: func(string, string) { p.dialing(connecting) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				p.dialing(joining)
			}
		},
		TLSHandshakeStart: func() { p.dialing(shaking) },
		GotConn:           func(httptrace.GotConnInfo) { p.set(sending) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil { // else the gate may have held it back
				p.set(waiting)
			}
		},
		GotFirstResponseByte: func() { p.set(reading) },
	}
}

// where is whom an attempt asks, and how it gets there.
type where struct {
	host  string // with its port
	proxy string // as it may be shown; empty: none
}

func (a *attempts) where(req *http.Request) where {
	w := where{host: hostPort(req.URL)}
	if t, ok := a.base.(*http.Transport); ok && t.Proxy != nil {
		if u, err := t.Proxy(req); err == nil && u != nil {
			w.proxy = shown(u)
		}
	}
	return w
}

// String names both for people.
func (w where) String() string {
	if w.proxy == "" {
		return w.host
	}
	return w.host + " (through " + w.proxy + ")"
}

// hostPort returns the host of u with the port that is used.
func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// shown is a URL without what must not be seen of it.
func shown(u *url.URL) string { return u.Scheme + "://" + u.Host }

// timeout is the error of an attempt that ran out of time. It is an ErrTimeout.
type timeout struct {
	where  where
	after  time.Duration
	during phase
	cause  error // of the context
}

func (t *timeout) Error() string {
	text := fmt.Sprintf("no answer from %v within %v while %s", t.where, seconds(t.after), t.during.text(t.where.proxy != ""))
	if t.during == lookingUp {
		text += "; look at this machine's name servers (/etc/resolv.conf)"
	}
	return text
}
func (t *timeout) Unwrap() error { return t.cause }
func (t *timeout) Is(target error) bool {
	return target == ErrTimeout || target == ErrName && t.during == lookingUp
}

// noName is the error of an attempt that ended with the lookup of a name. It is an ErrName.
type noName struct{ *net.DNSError }

func (n noName) Error() string {
	by, server := "this machine's resolver", ""
	if n.Server != "" {
		by, server = "the name server "+n.Server, " and at that server"
	}
	if n.IsNotFound {
		return fmt.Sprintf("%s knows no %s; look at the endpoint, and at /etc/resolv.conf", by, n.Name)
	}
	return fmt.Sprintf("%s cannot look up %s (%s); look at /etc/resolv.conf%s", by, n.Name, n.Err, server)
}
func (n noName) Unwrap() error        { return n.DNSError }
func (n noName) Is(target error) bool { return target == ErrName }

// seconds shows a duration in seconds, to a tenth.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%g s", d.Round(100*time.Millisecond).Seconds())
}

// explain says of a failed attempt what its error alone leaves open: who ended the
// connection and when, and what to do about a name or a certificate.
func explain(err error, w where, during phase) error {
	var header tls.RecordHeaderError
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return noName{name}
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%v does not speak TLS: %w; look at the endpoint, and at what answers in its place", w, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%v ended the connection while %s: %w", w, during.text(w.proxy != ""), err)
	default:
		return certificate(err, w)
	}
}
