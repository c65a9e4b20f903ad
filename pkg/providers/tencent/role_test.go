// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

const roles = "/latest/meta-data/cam/security-credentials/"

// roleService is the part of a metadata service about roles, on a clock.
type roleService struct {
	mu     sync.Mutex
	now    time.Time
	life   time.Duration // of the credentials it gives
	issued int
	answer string // instead of a credential
	status int
	asked  []string
}

func newRoleService(t *testing.T, role string) (*roleService, *Role) {
	t.Helper()
	s := &roleService{now: now, life: time.Hour}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	r, err := NewRole(RoleConfig{Endpoint: srv.URL, Role: role, Now: func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.now
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func (s *roleService) set(change func(*roleService)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *roleService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	switch {
	case s.status != 0:
		w.Header().Set("Location", roles+"other")
		w.WriteHeader(s.status)
	case s.answer != "":
		_, _ = io.WriteString(w, s.answer)
	case r.URL.Path == roles:
		_, _ = io.WriteString(w, "fipctl-role\n")
	default:
		s.issued++
		fmt.Fprintf(w, `{"TmpSecretId":"AKID%d","TmpSecretKey":"key%d","ExpiredTime":%d,"Expiration":"x","Token":"token%d","Code":"Success"}`,
			s.issued, s.issued, s.now.Add(s.life).Unix(), s.issued)
	}
}

// get returns the id of the credential, or the error.
func get(t *testing.T, r *Role) string {
	t.Helper()
	c, err := r.Credential(t.Context())
	if err != nil {
		return err.Error()
	}
	return c.ID
}

func TestARoleIsLookedUpAndItsCredentialKept(t *testing.T) {
	t.Parallel()
	s, r := newRoleService(t, "")
	got, err := r.Credential(t.Context())
	if err != nil || got != (Credential{ID: "AKID1", Key: cloudhttp.NewSecret("key1"), Token: cloudhttp.NewSecret("token1")}) {
		t.Errorf("got %+v, %v", got, err)
	}
	get(t, r)
	if diff := cmp.Diff([]string{"GET " + roles, "GET " + roles + "fipctl-role"}, s.asked); diff != "" {
		t.Error(diff)
	}
	s, r = newRoleService(t, "another")
	get(t, r)
	if diff := cmp.Diff([]string{"GET " + roles + "another"}, s.asked); diff != "" {
		t.Error(diff)
	}
}

func TestACredentialIsRenewedEarly(t *testing.T) {
	t.Parallel()
	s, r := newRoleService(t, "x")
	for _, step := range []struct {
		later time.Duration
		want  string
	}{{0, "AKID1"}, {45*time.Minute - time.Second, "AKID1"}, {time.Second, "AKID2"}, {44 * time.Minute, "AKID2"}, {2 * time.Minute, "AKID3"}} {
		s.set(func(s *roleService) { s.now = s.now.Add(step.later) })
		if got := get(t, r); got != step.want {
			t.Errorf("after %v: got %s, want %s", step.later, got, step.want)
		}
	}
}

func TestAStillValidCredentialIsKeptWhileTheServiceIsAway(t *testing.T) {
	t.Parallel()
	s, r := newRoleService(t, "x")
	get(t, r)
	s.set(func(s *roleService) { s.now, s.status = s.now.Add(50*time.Minute), 500 })
	for range 5 {
		if got := get(t, r); got != "AKID1" {
			t.Errorf("got %s", got)
		}
	}
	if n := len(s.asked); n != 2 {
		t.Errorf("%d requests, want one for the credential and one attempt to renew it", n)
	}
	s.set(func(s *roleService) { s.now = s.now.Add(rolePause) })
	get(t, r)
	if n := len(s.asked); n != 3 {
		t.Errorf("%d requests after the pause, want another attempt", n)
	}
	s.set(func(s *roleService) { s.now = s.now.Add(9 * time.Minute) })
	if got, want := get(t, r), "get credential of a role: the metadata service answers with status 500"; got != want {
		t.Errorf("once it has expired: got %s, want %s", got, want)
	}
	s.set(func(s *roleService) { s.status = 0 })
	if got := get(t, r); got != "AKID2" {
		t.Errorf("once the service is back: got %s", got)
	}
}

func TestACredentialThatWasRefusedIsFetchedAnew(t *testing.T) {
	t.Parallel()
	_, r := newRoleService(t, "x")
	c, _ := r.Credential(t.Context())
	r.Forget(Credential{ID: "AKID0"})
	if got := get(t, r); got != "AKID1" {
		t.Errorf("another one was refused: got %s", got)
	}
	r.Forget(c)
	if got := get(t, r); got != "AKID2" {
		t.Errorf("got %s", got)
	}
}

func TestARoleThatCannotBeUsedIsOneLine(t *testing.T) {
	t.Parallel()
	const good = `{"TmpSecretId":"a","TmpSecretKey":"b","ExpiredTime":1900000000,"Token":"c","Code":"Success"}`
	for _, tc := range []struct {
		name, role, answer string
		status             int
		want               string
		passes             bool
	}{
		{"no role is bound", "", "", 404, "role: no role is bound to this machine", false},
		{"another role is bound", "mine", "", 404, "role: mine is not bound to this machine", false},
		{"an empty list", "", " ", 200, "role: no role is bound to this machine", false},
		{"a page for a list", "", "<html>", 200, "role: no role is bound to this machine", false},
		{"server error", "mine", "", 503, "the metadata service answers with status 503", true},
		{"a redirect is not followed", "mine", "", 302, "the metadata service answers with status 302", true},
		{"half a credential", "mine", good[:40], 200, "the answer is no credential", true},
		{"a code", "mine", strings.Replace(good, "Success", "Failed", 1), 200, `the service answers with the code "Failed"`, true},
		{"no token", "mine", strings.Replace(good, "Token", "x", 1), 200, "TmpSecretId, TmpSecretKey or Token: missing", true},
		{"no end", "mine", strings.Replace(good, "ExpiredTime", "x", 1), 200, "ExpiredTime: missing", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, r := newRoleService(t, tc.role)
			if s.answer = tc.answer; tc.status != 200 {
				s.status = tc.status
			}
			_, err := r.Credential(t.Context())
			if want := "get credential of a role: " + tc.want; err == nil || err.Error() != want {
				t.Fatalf("got %v, want %s", err, want)
			}
			e := providers.WithoutCredentials(Name, "op", err)
			if passes := strings.Contains(e.Error(), "transient"); passes != tc.passes {
				t.Errorf("passes by itself: %v, want %v", passes, tc.passes)
			}
		})
	}
}

func TestARequestForACredentialTakesAtMostTwoSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, err := NewRole(RoleConfig{Role: "x", Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})})
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if got, want := get(t, r), "get credential of a role: no answer within 2s"; got != want || time.Since(begun) != 2*time.Second {
			t.Errorf("got %s after %v", got, time.Since(begun))
		}
	})
}

// TestOnlyOneCallRenewsAndTheOthersDoNotWait holds the first renewal up and asks
// meanwhile.
func TestOnlyOneCallRenewsAndTheOthersDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issued, hold := 0, false
		r, err := NewRole(RoleConfig{Role: "x", Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			if hold {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			issued++
			body := fmt.Sprintf(`{"TmpSecretId":"AKID%d","TmpSecretKey":"k","ExpiredTime":%d,"Token":"t","Code":"Success"}`, issued, time.Now().Add(time.Hour).Unix())
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		get(t, r)
		time.Sleep(50 * time.Minute)
		hold = true
		first := make(chan string)
		go func() { first <- get(t, r) }()
		synctest.Wait()
		begun := time.Now()
		if got := get(t, r); got != "AKID1" || time.Since(begun) != 0 {
			t.Errorf("got %s after %v, want the old one at once", got, time.Since(begun))
		}
		if got := <-first; got != "AKID1" || time.Since(begun) != roleTimeout {
			t.Errorf("the call that renews: got %s after %v", got, time.Since(begun))
		}
	})
}

func TestWhoWaitsForAnothersCredentialMayGiveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, err := NewRole(RoleConfig{Role: "x", Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})})
		if err != nil {
			t.Fatal(err)
		}
		first := make(chan string)
		go func() { first <- get(t, r) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("the claim is over"))
		defer cancel()
		begun := time.Now()
		_, err = r.Credential(ctx)
		if want := "wait for the credential of a role: the claim is over"; err == nil || err.Error() != want || time.Since(begun) != time.Second {
			t.Errorf("got %v after %v, want %s after 1s", err, time.Since(begun), want)
		}
		if got := <-first; time.Since(begun) != roleTimeout {
			t.Errorf("the call that asks: %s after %v", got, time.Since(begun))
		}
	})
}

func TestNewRole(t *testing.T) {
	t.Parallel()
	for _, bad := range []RoleConfig{{Endpoint: "169.254.0.23"}, {Endpoint: "http://u:p@127.0.0.1/"}, {Endpoint: "http://127.0.0.1/?a"}, {Role: "a/b"}} {
		if _, err := NewRole(bad); err == nil || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%+v: got %v", bad, err)
		}
	}
	r, err := NewRole(RoleConfig{})
	if err != nil || r.service.URL("") != "http://169.254.0.23/" {
		t.Errorf("got %+v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Credential(ctx); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v", err)
	}
}
