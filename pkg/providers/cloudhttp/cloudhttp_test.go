// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

// roundTrip is a transport made of a function. idle counts how often the
// connections it does not have were closed.
type roundTrip struct {
	f    func(*http.Request) (*http.Response, error)
	idle int
}

func (r *roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return r.f(req) }
func (r *roundTrip) CloseIdleConnections()                               { r.idle++ }

// request returns a request for a test that never reaches a network.
func request(t *testing.T, ctx context.Context, method, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://cloud.test/v2/x", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		req.Body, req.GetBody = nil, nil
	}
	return req
}

func TestSecretShowsAPlaceholderInEveryForm(t *testing.T) {
	t.Parallel()
	s := NewSecret("dop_v1_0123456789")
	asJSON, err := json.Marshal(map[string]any{"token": s, "inside": struct{ S Secret }{s}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "token", s, "inside", struct{ S Secret }{s})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "token", s, "group", slog.GroupValue(slog.Any("t", s)))
	forms := []string{string(asJSON), log.String(), s.String(), fmt.Errorf("with %w and %v", errors.New("x"), s).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		forms = append(forms, fmt.Sprintf(verb, s), fmt.Sprintf(verb, struct{ Secret Secret }{s}))
	}
	for _, form := range forms {
		if strings.Contains(form, "0123456789") || strings.Contains(form, fmt.Sprintf("%x", "0123456789")) {
			t.Errorf("the secret shows in %q", form)
		}
		if !strings.Contains(form, redacted) {
			t.Errorf("no placeholder in %q", form)
		}
	}
	if got := s.Reveal(); got != "dop_v1_0123456789" {
		t.Errorf("Reveal() = %q", got)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, value string
		want        time.Duration
		ok          bool
	}{
		{"no header asks for nothing", "", 0, false},
		{"seconds", "29", 29 * time.Second, true},
		{"spaces around it", " 2 ", 2 * time.Second, true},
		{"a date", "Sat, 21 Nov 2026 12:00:05 GMT", 5 * time.Second, true},
		{"a date gone by means now", "Sat, 21 Nov 2026 11:00:00 GMT", 0, true},
		{"more than an hour is cut", "86400", time.Hour, true},
		{"a number near overflow is cut", "9223372036854775807", time.Hour, true},
		{"a number beyond all bounds is cut", "99999999999999999999", time.Hour, true},
		{"a negative number asks for nothing", "-5", 0, false},
		{"nonsense asks for nothing", "soon", 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			resp := &http.Response{Header: http.Header{}}
			resp.Header.Set("rEtRy-aFtEr", tc.value)
			if got, ok := RetryAfter(resp, now); got != tc.want || ok != tc.ok {
				t.Errorf("RetryAfter(%q) = %v, %v; want %v, %v", tc.value, got, ok, tc.want, tc.ok)
			}
		})
	}
	if _, ok := RetryAfter(nil, now); ok {
		t.Error("RetryAfter(nil) asks for something")
	}
}

func TestSentIsAssumedOfForeignErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{errors.New("anything"), true},
		{&Error{Sent: true, Err: ErrTimeout}, true},
		{fmt.Errorf("wrapped: %w", &Error{Err: ErrTimeout}), false},
	} {
		if got := Sent(tc.err); got != tc.want {
			t.Errorf("Sent(%v) = %v", tc.err, got)
		}
	}
}
