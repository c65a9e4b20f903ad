// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// roleService answers as the metadata service of a machine with a role. Its times are
// those of a bubble.
type roleService struct {
	mu     sync.Mutex
	asked  int
	status int           // zero: 200
	body   string        // empty: the number of the answer is in the credentials
	delay  time.Duration // before it answers
}

func (s *roleService) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked++
	status, body, delay := s.status, s.body, s.delay
	if body == "" {
		body = fmt.Sprintf(`{"Code":"success","accessKey":"ak-%d","secretKey":"secret-%d","sessionToken":"token-%d"}`, s.asked, s.asked, s.asked)
	}
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if status == 0 {
		status = 200
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

func (s *roleService) set(status int, delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.delay = status, delay
}

func (s *roleService) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func newTestRole(t *testing.T, s *roleService) *Role {
	t.Helper()
	r, err := NewRole(RoleConfig{Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantKey asks for credentials and compares the access key; empty: an error.
func wantKey(t *testing.T, r *Role, want string) {
	t.Helper()
	got, err := r.Credential(t.Context())
	if got.AccessKey != want || (err == nil) != (want != "") {
		t.Errorf("got %q, %v; want %q", got.AccessKey, err, want)
	}
}

func TestRoleCredentialsAreKeptForMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &roleService{}
		r := newTestRole(t, s)
		for _, step := range []struct {
			after time.Duration
			key   string
		}{{0, "ak-1"}, {roleFresh - time.Second, "ak-1"}, {time.Second, "ak-2"}, {roleFresh - time.Second, "ak-2"}, {time.Second, "ak-3"}} {
			time.Sleep(step.after)
			wantKey(t, r, step.key)
		}
	})
}

func TestWhatIsUsableIsUsedWhileTheServiceIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &roleService{}
		r := newTestRole(t, s)
		wantKey(t, r, "ak-1")
		s.set(500, 0)
		for _, step := range []struct {
			after time.Duration
			key   string
			asked int
		}{
			{roleFresh, "ak-1", 2}, // due, and asked for
			{time.Second, "ak-1", 2},
			{rolePause - 2*time.Second, "ak-1", 2}, // not so soon again
			{time.Second, "ak-1", 3},
			{roleUsable - roleFresh - rolePause - time.Second, "ak-1", 4},
			{time.Second, "", 5}, // too old
			{0, "", 6},
		} {
			time.Sleep(step.after)
			wantKey(t, r, step.key)
			if got := s.times(); got != step.asked {
				t.Errorf("%v later: asked %d times, want %d", step.after, got, step.asked)
			}
		}
		s.set(200, 0)
		wantKey(t, r, "ak-7")
	})
}

func TestRejectedCredentialsAreReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &roleService{}
		r := newTestRole(t, s)
		wantKey(t, r, "ak-1")
		r.Rejected()
		wantKey(t, r, "ak-2")
		wantKey(t, r, "ak-2")
		s.set(500, 0)
		r.Rejected()
		wantKey(t, r, "ak-2") // the service is away: they are all there is
		r.Rejected()
		s.set(200, 0)
		wantKey(t, r, "ak-4")
	})
}

func TestOneCallAsksAndTheOthersUseWhatThereIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &roleService{delay: roleHurry / 2}
		r := newTestRole(t, s)
		together := func(want string) {
			var calls sync.WaitGroup
			for range 8 {
				calls.Go(func() { wantKey(t, r, want) })
			}
			calls.Wait()
		}
		together("ak-1") // nothing is usable yet: all wait for the one that asks
		time.Sleep(roleFresh)
		asking := make(chan struct{})
		go func() { wantKey(t, r, "ak-2"); close(asking) }()
		synctest.Wait()
		begun := time.Now()
		together("ak-1")
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("waited %v although there were usable credentials", waited)
		}
		<-asking
		if got := s.times(); got != 2 {
			t.Errorf("asked %d times, want 2", got)
		}
	})
}

func TestAskingForARoleEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &roleService{delay: time.Hour}
		r := newTestRole(t, s)
		begun := time.Now()
		_, err := r.Credential(t.Context())
		want := "read role credentials from http://169.254.169.254/metadata/latest/iam/instance-role-security-credentials: no answer within 2s"
		if err == nil || err.Error() != want || time.Since(begun) != 2*time.Second {
			t.Errorf("got  %v after %v\nwant %s", err, time.Since(begun), want)
		}
		go func() { _, _ = r.Credential(t.Context()) }() // takes the turn
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Credential(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the caller's deadline", err)
		}
		time.Sleep(roleTimeout)
	})
}

func TestACallDoesNotWaitLongForNewCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &roleService{}
		r := newTestRole(t, s)
		wantKey(t, r, "ak-1")
		time.Sleep(roleFresh)
		s.set(200, time.Hour)
		for _, want := range []time.Duration{roleHurry, 0} {
			begun := time.Now()
			wantKey(t, r, "ak-1")
			if waited := time.Since(begun); waited != want {
				t.Errorf("waited %v, want %v", waited, want)
			}
		}
	})
}

func TestARoleThatCannotBeUsedIsOneLine(t *testing.T) {
	t.Parallel()
	const good = `{"Code":"success","accessKey":"ak","secretKey":"sk-0123456789","sessionToken":"token-0123456789"}`
	for _, tc := range []struct {
		name, body string
		status     int
		want       string // empty: usable
	}{
		{"good", good, 200, ""},
		{"in a list", "[" + good + "]", 200, ""},
		{"no role", `{"Code":"fail","accessKey":"","secretKey":"","sessionToken":""}`, 200, "the machine has no role (Code is not success); attach one, or set credentials_file"},
		{"no such path", "", 404, "unexpected status 404; attach a role to the machine, or set credentials_file"},
		{"a redirect", "", 302, "unexpected status 302; attach a role"},
		{"no token", strings.Replace(good, "token-0123456789", "", 1), 200, "accessKey, secretKey or sessionToken: missing"},
		{"no secret", strings.Replace(good, "sk-0123456789", "", 1), 200, "accessKey, secretKey or sessionToken: missing"},
		{"no key", strings.Replace(good, `"ak"`, `""`, 1), 200, "accessKey, secretKey or sessionToken: missing"},
		{"two", "[" + good + "," + good + "]", 200, "the answer is not one document of credentials"},
		{"none", "[]", 200, "the answer is not one document of credentials"},
		{"a page", "<html>sk-0123456789", 200, "the answer is not one document of credentials"},
		{"null", "null", 200, "the machine has no role"},
		{"too long", good + strings.Repeat(" ", roleBodyMax), 200, "more than 65536 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			body := tc.body
			if body == "" {
				body = " "
			}
			r := newTestRole(t, &roleService{status: tc.status, body: body})
			got, err := r.Credential(t.Context())
			if tc.want == "" {
				if err != nil || got.AccessKey != "ak" || got.SecretKey.Reveal() != "sk-0123456789" || got.Token.Reveal() != "token-0123456789" {
					t.Errorf("got %q, %v", got.AccessKey, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "0123456789") {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestTheEndpointOfARole(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"":                       "http://169.254.169.254/" + rolePath,
		"http://127.0.0.1/lb-a/": "http://127.0.0.1/lb-a/" + rolePath,
		"169.254.169.254":        "",
		"http://u:p@127.0.0.1/":  "",
	} {
		r, err := NewRole(RoleConfig{Endpoint: endpoint})
		if want == "" {
			if err == nil || strings.Contains(err.Error(), "u:p") || !strings.HasPrefix(err.Error(), "metadata_endpoint: ") {
				t.Errorf("%q: got %v", endpoint, err)
			}
		} else if err != nil || r.service.URL(rolePath) != want {
			t.Errorf("%q: got %v, %v", endpoint, r, err)
		}
	}
}
