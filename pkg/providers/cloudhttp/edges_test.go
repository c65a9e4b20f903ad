// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"
)

// TestADialThatIsNotNeededTellsNothing: another connection came free, and the request is on it.
func TestADialThatIsNotNeededTellsNothing(t *testing.T) {
	t.Parallel()
	var way progress
	for _, at := range []phase{sending, waiting, reading} {
		way.set(at)
		for _, late := range []phase{lookingUp, connecting, joining, shaking} {
			if way.dialing(late); way.now() != at {
				t.Errorf("at %d: %d after a dial that is at %d", at, way.now(), late)
			}
		}
	}
	way.set(starting)
	if way.dialing(shaking); way.now() != shaking {
		t.Errorf("a dial that is needed: %d", way.now())
	}
}

// TestWhatCouldNotBeWrittenIsNotWaitedFor: the write loop may find that out after the attempt
// has ended.
func TestWhatCouldNotBeWrittenIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	var way progress
	way.set(sending)
	if way.trace().WroteRequest(httptrace.WroteRequestInfo{Err: io.ErrClosedPipe}); way.now() != sending {
		t.Errorf("held back: %d", way.now())
	}
	if way.trace().WroteRequest(httptrace.WroteRequestInfo{}); way.now() != waiting {
		t.Errorf("written: %d", way.now())
	}
}

func TestEachPhaseHasItsWords(t *testing.T) {
	t.Parallel()
	for p, want := range map[phase][2]string{ // direct, through a proxy
		starting:   {"waiting for a connection", "waiting for a connection"},
		lookingUp:  {"looking up the name", "looking up the name of the proxy"},
		connecting: {"connecting", "connecting to the proxy"},
		joining:    {"waiting for a connection", "waiting for the proxy to connect"},
		shaking:    {"in the TLS handshake", "in the TLS handshake"},
		sending:    {"sending the request", "sending the request"},
		waiting:    {"waiting for the answer", "waiting for the answer"},
		reading:    {"reading the answer", "reading the answer"},
	} {
		if got := [2]string{p.text(false), p.text(true)}; got != want {
			t.Errorf("%d: %q, want %q", p, got, want)
		}
	}
}

func TestWhatEndedAConnectionIsExplained(t *testing.T) {
	t.Parallel()
	w := where{host: "cloud.example:443"}
	invalid := func(r x509.InvalidReason) error { return x509.CertificateInvalidError{Reason: r} }
	for want, err := range map[string]error{
		"cloud.example:443 does not speak TLS: tls: a; look at the endpoint": tls.RecordHeaderError{Msg: "a"},
		"cloud.example:443 does not speak TLS: http: server gave HTTP":       http.ErrSchemeMismatch,
		"cloud.example:443 ended the connection while reading the answer":    io.EOF,
		"cloud.example:443 ended the connection while reading the answer: u": io.ErrUnexpectedEOF,
		"look at the clock of this machine":                                  invalid(x509.Expired),
		"whoever runs the server has to replace the certificate":             invalid(x509.NotAuthorizedToSign),
	} {
		if got := explain(err, w, reading); !strings.Contains(got.Error(), want) || !errors.Is(got, err) {
			t.Errorf("%v: %v, want %q", err, got, want)
		}
	}
}

// TestTheWaitBetweenReadsGrowsAndIsBounded, half of it by chance.
func TestTheWaitBetweenReadsGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	const least, most = 100 * time.Millisecond, 500 * time.Millisecond
	for attempt, full := range []time.Duration{least, 2 * least, 4 * least, most, most} {
		low, high := full, time.Duration(0)
		for range 1000 {
			got := backoff(least, most, attempt, nil)
			low, high = min(low, got), max(high, got)
		}
		if low < full/2 || high > full || high-low < full/4 {
			t.Errorf("attempt %d: from %v to %v, want within %v and %v, and most of that", attempt, low, high, full/2, full)
		}
	}
	if got := backoff(least, most, 1<<20, nil); got < most/2 || got > most {
		t.Errorf("the millionth: %v", got)
	}
}

// TestABodyOfARequestIsBounded, where it is read into memory: to be signed, or to be sent twice.
func TestABodyOfARequestIsBounded(t *testing.T) {
	t.Parallel()
	for size, fails := range map[int]bool{BodyMax: false, BodyMax + 1: true} {
		sent := 0
		c := New(Config{Transport: script(&sent, answer{status: 200}), Sign: func(*http.Request, []byte) ([]Secret, error) { return nil, nil }})
		_, err := c.Do(request(t, t.Context(), "POST", strings.Repeat("x", size)))
		if (err != nil) != fails || (sent == 0) != fails {
			t.Errorf("signed, %d bytes: %v after %d requests", size, err, sent)
		}
		sent = 0
		_, err = c.ReadTransport().RoundTrip(request(t, t.Context(), "POST", strings.Repeat("x", size)))
		if (err != nil) != fails || (sent == 0) != fails {
			t.Errorf("a read, %d bytes: %v after %d requests", size, err, sent)
		}
		body, err := bodyOf(request(t, t.Context(), "POST", strings.Repeat("x", size)))
		if (err != nil) != fails || !fails && !bytes.Equal(body, bytes.Repeat([]byte("x"), size)) {
			t.Errorf("%d bytes: %d, %v", size, len(body), err)
		}
	}
}

// TestAProxyMayHaveAnyPort but 0.
func TestAProxyMayHaveAnyPort(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{"http://proxy.example:1": true, "http://proxy.example:65535": true, "http://proxy.example:0": false, "http://proxy.example:65536": false} {
		if got := isProxy(value); got != want {
			t.Errorf("%s: %v", value, got)
		}
	}
}

// TestNamesWithinMapsAndArraysAreKnownToo: they are taken in their own case only.
func TestNamesWithinMapsAndArraysAreKnownToo(t *testing.T) {
	t.Parallel()
	var got struct {
		By    map[string]struct{ Alpha int }
		Fixed [1]struct{ Beta int }
		At    *struct{ Gamma int }
		All   []struct{ Delta int }
	}
	body := `{"By":{"x":{"Alpha":1,"ALPHA":2}},"Fixed":[{"Beta":1,"beta":2}],"At":{"Gamma":1,"gamma":2},"All":[{"Delta":1,"delta":2}]}`
	if err := Decode([]byte(body), &got); err != nil || got.By["x"].Alpha != 1 || got.Fixed[0].Beta != 1 || got.At.Gamma != 1 || got.All[0].Delta != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}
