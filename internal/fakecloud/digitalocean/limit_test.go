// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
)

// rates returns status and rate headers: limit, remaining, seconds from the start
// until the reset, retry-after.
func (w *world) rates(r response) [5]string {
	reset, err := strconv.ParseInt(r.header.Get("ratelimit-reset"), 10, 64)
	w.must(err)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	return [5]string{
		strconv.Itoa(r.status), r.header.Get("ratelimit-limit"), r.header.Get("ratelimit-remaining"),
		strconv.FormatInt(reset-start, 10), r.header.Get("retry-after"),
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	type call struct {
		after time.Duration // since the call before
		want  [5]string
	}
	tests := []struct {
		name              string
		perHour, perMinut int
		calls             []call
	}{
		{"by default 5000 an hour", 0, 0, []call{
			{0, [5]string{"200", "5000", "4999", "3600", ""}},
			{10 * time.Second, [5]string{"200", "5000", "4998", "3600", ""}},
		}},
		{"the hour's limit names no time to wait, but the reset", 2, -1, []call{
			{0, [5]string{"200", "2", "1", "3600", ""}},
			{time.Minute, [5]string{"200", "2", "0", "3600", ""}},
			{time.Minute, [5]string{"429", "2", "0", "3600", ""}},
			{58 * time.Minute, [5]string{"200", "2", "0", "3660", ""}},
		}},
		{"the minute's limit says how long to wait", 100, 2, []call{
			{0, [5]string{"200", "100", "99", "3600", ""}},
			{30500 * time.Millisecond, [5]string{"200", "100", "98", "3600", ""}},
			{0, [5]string{"429", "100", "0", "3600", "30"}},
			{29500 * time.Millisecond, [5]string{"200", "100", "97", "3600", ""}},
		}},
		{"without limits the figures are for show", -1, -1, []call{
			{0, [5]string{"200", "5000", "4999", "3600", ""}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakedo.Options{RatePerHour: tt.perHour, RatePerMinute: tt.perMinut})
			for i, c := range tt.calls {
				w.advance(c.after)
				if diff := cmp.Diff(c.want, w.rates(w.get(first))); diff != "" {
					t.Errorf("call %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestEachTokenHasItsOwnLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{RatePerMinute: 1})
	w.get(first)
	wantFailure(t, w.get(first), http.StatusTooManyRequests, "too_many_requests", "API Rate limit exceeded.")
	if got := w.callAs("token-b", "GET", first, "").status; got != http.StatusOK {
		t.Errorf("the other token: got %d, want 200", got)
	}
}

func TestEveryAnswerHasRateHeadersAndARequestID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	seen := map[string]bool{}
	for _, r := range []response{
		w.get(first), w.get("/v2/nothing"), w.post(first, "x"), w.callAs("guess", "GET", first, ""),
		w.callAs("token-a", "DELETE", first, ""),
	} {
		id := r.header.Get("x-request-id")
		if id == "" || seen[id] || r.header.Get("ratelimit-limit") == "" ||
			r.header.Get("ratelimit-remaining") == "" || r.header.Get("ratelimit-reset") == "" {
			t.Errorf("%d: headers %v", r.status, r.header)
		}
		seen[id] = true
	}
}

// TestWhatIsSpentFromOutsideCountsForTheHour, for that token, and no more than the hour has.
func TestWhatIsSpentFromOutsideCountsForTheHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{RatePerHour: 1000, RatePerMinute: 4})
	w.get(first)
	w.do.Spend("token-a", 600)
	if diff := cmp.Diff([5]string{"200", "1000", "398", "3000", ""}, w.rates(w.get(first))); diff != "" {
		t.Errorf("after 600 calls of somebody else (-want +got):\n%s", diff)
	}
	w.do.Spend("token-a", 600)
	if diff := cmp.Diff([5]string{"429", "1000", "0", "3000", ""}, w.rates(w.get(first))); diff != "" {
		t.Errorf("after 1200 (-want +got):\n%s", diff)
	}
	if got := w.callAs("token-b", "GET", first, "").status; got != http.StatusOK {
		t.Errorf("the other token: got %d, want 200", got)
	}
	w.advance(59 * time.Minute) // all of them have left the hour but those of the last minutes
	if got := w.get(first).status; got != http.StatusOK {
		t.Errorf("an hour later: got %d, want 200", got)
	}
}
