// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/status"
)

// ordering is a cluster whose daemon ends requests with one outcome after the other, the
// last for good.
func ordering(outcomes []status.Outcome, err error) (*cluster, request) {
	c := waiting(new([]string))
	n := 0
	return c, request{what: "assign web", asks: "`fipctl assign web`", run: func(context.Context) (status.Outcome, error) {
		n = min(n+1, len(outcomes))
		return outcomes[n-1], err
	}}
}

func TestAnOrderIsMadeAgainWhenWhatEndedItMayPass(t *testing.T) {
	refused := status.Outcome{Code: status.CodeRefused, Reason: "unhealthy", Text: "its check fails"}
	stalled := status.Outcome{Code: status.CodeFailed, Reason: "own-stall", Text: "it did not run"}
	failed := status.Outcome{Code: status.CodeFailed, Reason: "claim-failed", Text: "the cloud says no"}
	done := status.Outcome{Code: status.CodeDone}
	for name, test := range map[string]struct {
		outcomes []status.Outcome
		err      error
		want     string // error of operate
		notes    []string
	}{
		"done at once":            {[]status.Outcome{done}, nil, "<nil>", nil},
		"a refusal may pass":      {[]status.Outcome{refused, refused, done}, nil, "<nil>", []string{"its check fails"}},
		"so may a stall":          {[]status.Outcome{refused, stalled, done}, nil, "<nil>", []string{"its check fails", "it did not run"}},
		"another failure may not": {[]status.Outcome{failed, done}, nil, "assign web: exit code 1: the cloud says no", nil},
		"no answer may not":       {[]status.Outcome{done}, errors.New("no socket"), "assign web: no socket", nil},
		"hope ends":               {[]status.Outcome{refused}, nil, "wait until assign web: not within 40s: exit code 4: its check fails", []string{"its check fails"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, r := ordering(test.outcomes, test.err)
				if got := fmt.Sprint(c.operate(t.Context(), r)); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
				events, _, fault := c.record.taken()
				want := []string{r.asks}
				for _, note := range test.notes {
					want = append(want, "it will be asked again: "+note)
				}
				var got []string
				for _, e := range events {
					got = append(got, e.What)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("timeline (-want +got):\n%s", diff)
				}
				if first := events[0].At; len(test.outcomes) > 1 && test.notes != nil && !fault.After(first.Add(lookEvery)) {
					t.Errorf("the figures count from %s, the first asking from %s", fault.Format(time.StampMilli), first.Format(time.StampMilli))
				}
			})
		})
	}
}

func TestAStallThatTheLabDidNotMakeIsCounted(t *testing.T) {
	t.Parallel()
	c := waiting(new([]string))
	c.nodes = []*node{{name: "lb-a"}, {name: "lb-b", paused: true}}
	for _, e := range []event{
		role(10, "lb-a", "active", "backup", "own-stall"),
		role(20, "lb-a", "backup", "active", "resumed-bound"), // no end of a role
		role(30, "lb-a", "active", "backup", "displaced"),
		role(40, "lb-b", "active", "backup", "own-stall"),  // the lab paused it
		role(45, "lb-a", "drained", "backup", "own-stall"), // no claim ended
		role(50, "lb-c", "active", "backup", "own-stall"),  // not of this cluster
	} {
		c.record.add(e)
	}
	if got := c.stalls(); got != 1 {
		t.Errorf("%d stalls, want 1", got)
	}
	if got := c.roleChanges(ownerNode); got != 4 {
		t.Errorf("%d changes of lb-a's role, want 4", got)
	}
	if got, want := fmt.Sprint(c.keepsRole(t.Context(), ownerNode, 1)), "expect that a missing API leaves lb-a alone: it changed its role 3 times"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestANodeWaitsLongerAfterEachFault(t *testing.T) {
	t.Parallel()
	fault := func(moment int) event { return role(moment, "lb-a", "active", "fault", "check-failed") }
	for name, test := range map[string]struct {
		events []event
		want   string
	}{
		"it does": {[]event{
			fault(1000), moved(2000, "lb-a", "lb-b"), moved(11000, "lb-b", "lb-a"),
			fault(12000), moved(13000, "lb-a", "lb-b"), moved(32000, "lb-b", "lb-a"),
		}, ""},
		"not the first time":  {[]event{fault(1000), moved(2000, "lb-a", "lb-b"), moved(10999, "lb-b", "lb-a")}, "the address came back to lb-a 9.999s after its fault instead of 10s"},
		"not the second time": {[]event{fault(0), moved(11000, "lb-b", "lb-a"), fault(12000), moved(31999, "lb-b", "lb-a")}, "the address came back to lb-a 19.999s after its fault instead of 20s"},
		"a fault of a backup, and what comes without a fault, is another story": {[]event{role(500, "lb-a", "backup", "fault", "check-failed"), moved(600, "lb-b", "lb-a"), moved(800, "lb-a", "lb-b"), fault(900), moved(950, "lb-a", "lb-b")}, ""},
	} {
		if got := tooEarly(test.events, "lb-a"); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestANodeThatWasDisplacedWaits(t *testing.T) {
	t.Parallel()
	events := []event{moved(50, "", "lb-a"), moved(200, "lb-a", "lb-b"), moved(5150, "lb-b", ""), moved(5200, "", "lb-a")}
	if got := tooSoon(events, at(100), 5*time.Second); got != "" {
		t.Errorf("in time: %s", got)
	}
	events[3] = moved(5199, "", "lb-a")
	if got, want := tooSoon(events, at(100), 5*time.Second), "it moved to lb-a 4.999s after the move before instead of 5s"; got != want {
		t.Errorf("got %q", got)
	}
	if got := tooSoon(events, at(0), 5*time.Second); got == "" {
		t.Error("what was before the cut counts from its beginning on")
	}
}
