// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// answers is a transport that gives each request the next answer.
type answers struct {
	status  []int
	headers []http.Header
}

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	if len(a.status) == 0 {
		return nil, errors.New("connection refused")
	}
	status, h := a.status[0], a.headers[0]
	a.status, a.headers = a.status[1:], a.headers[1:]
	return &http.Response{StatusCode: status, Header: h, Body: http.NoBody}, nil
}

func rates(limit, remaining, reset string) http.Header {
	h := http.Header{}
	for name, v := range map[string]string{"ratelimit-limit": limit, "rateLimit-remaining": remaining, "RateLimit-Reset": reset} {
		if v != "" {
			h.Set(name, v)
		}
	}
	return h
}

func TestWhatIsLeftOfTheCallsIsWhatTheLastAnswerToldOfTheAccount(t *testing.T) {
	t.Parallel()
	first := Rest{Limit: 5000, Remaining: 4000, Reset: time.Unix(1795262460, 0).UTC(), Sent: 2, Told: 1}
	retry := rates("5000", "0", "1795262470")
	retry.Set("Retry-After", "29")
	tests := []struct {
		name   string
		status int
		header http.Header
		want   Rest
	}{
		{"a later answer counts", 200, rates("5000", "3999", "1795262470"), Rest{5000, 3999, time.Unix(1795262470, 0).UTC(), 2, 2}},
		{"so does a refusal", 422, rates("5000", "3999", "1795262470"), Rest{5000, 3999, time.Unix(1795262470, 0).UTC(), 2, 2}},
		{"and the end of the hour's calls", 429, rates("5000", "0", "1795262470"), Rest{5000, 0, time.Unix(1795262470, 0).UTC(), 2, 2}},
		{"a reset is not needed", 200, rates("5000", "3999", ""), Rest{5000, 3999, time.Time{}, 2, 2}},
		{"the limit of a moment says nothing of the hour", 429, retry, first},
		{"bad credentials have no account", 401, rates("5000", "5000", "1795262470"), first},
		{"nothing is told", 200, http.Header{}, first},
		{"half of it is told", 200, rates("5000", "", "1795262470"), first},
		{"more is left than there is", 200, rates("5000", "5001", "1795262470"), first},
		{"less than nothing is left", 200, rates("5000", "-1", "1795262470"), first},
		{"no numbers", 200, rates("many", "few", "soon"), first},
		{"no limit", 200, rates("0", "0", "1795262470"), first},
		{"an absurd one", 200, rates("9007199254740991", "1", "1795262470"), first},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := &answers{[]int{200, tt.status}, []http.Header{rates("5000", "4000", "1795262460"), tt.header}}
			c := New(Config{
				Token: func() (Secret, error) { return NewSecret("a-token"), nil }, Transport: base,
				Ration: Ration{Limit: "rateLimit-limit", Remaining: "ratelimit-remaining", Reset: "ratelimit-reset"},
			})
			if got, known := c.Rest(); known || got != (Rest{}) {
				t.Errorf("before: %+v", got)
			}
			for range 2 {
				post(t, c)
			}
			if got, known := c.Rest(); !known || got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestEveryAttemptThatLeftIsCounted: with an answer or without, repeated ones too; not one
// for which there were no credentials.
func TestEveryAttemptThatLeftIsCounted(t *testing.T) {
	t.Parallel()
	noToken := true
	c := New(Config{
		Token: func() (Secret, error) {
			if noToken {
				return Secret{}, errors.New("no file")
			}
			return NewSecret("a-token"), nil
		},
		Transport: &answers{[]int{503, 200}, []http.Header{{}, {}}},
	})
	post(t, c)
	noToken = false
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://cloud.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := c.Do(req); err == nil {
		_ = resp.Body.Close()
	}
	post(t, c) // is refused the connection, perhaps
	if got, known := c.Rest(); known || got.Sent != 3 {
		t.Errorf("%d attempts, known %v", got.Sent, known)
	}
}

// post makes one write, whatever comes of it.
func post(t *testing.T, c *Client) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://cloud.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := c.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}
