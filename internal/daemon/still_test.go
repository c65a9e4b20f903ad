// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/status"
)

// ask asks a node's metrics server.
func (n *node) ask(path string) (int, string) {
	w := httptest.NewRecorder()
	n.metrics.Handler(n.standing).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

// TestAnEngineThatStandsStillIsShownAsSuch: what it published last says that all is well.
func TestAnEngineThatStandsStillIsShownAsSuch(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.settled()
		hold := make(chan struct{})
		release := sync.OnceFunc(func() { close(hold) })
		defer release()
		began := time.Now()
		a.engine.post(func() { <-hold })
		w.pass(time.Second) // less than five intervals
		if code, line := status.Check(a.Snapshot()); code != status.CheckOK {
			t.Errorf("after a second: %d %s", code, line)
		}
		w.pass(11 * time.Second)
		s := a.Snapshot()
		if s.At != time.Now().UTC() || !slices.Contains(a.codes(), condEngineStill) {
			t.Fatalf("at %v: conditions %v, as of %v", time.Now().UTC(), a.codes(), s.At)
		}
		if since := s.Conditions[0].Since; since.Before(began.Add(-interval)) || since.After(began) {
			t.Errorf("since %v, it stands still since %v", since, began)
		}
		text := status.Text(s, status.TextOptions{})
		if !strings.HasPrefix(text, "critical engine-still for 12s: the engine has not run for 12s: ") {
			t.Errorf("text:\n%s", text)
		}
		if code, line := status.Check(s); code != status.CheckUnknown {
			t.Errorf("check: %d %s", code, line)
		}
		if age := *s.Groups[0].Nodes[1].LastAdvertAgeMS; age < 11_000 {
			t.Errorf("the peer was heard %d ms ago", age)
		}
		if code, body := a.ask("/healthz"); code != 503 {
			t.Errorf("healthz: %d %s", code, body)
		}
		if _, body := a.ask("/metrics"); !strings.Contains(body, "\nfipctl_engine_age_seconds 12") {
			t.Errorf("metrics:\n%s", body)
		}
		release()
		w.pass(0)
		if code, body := a.ask("/healthz"); code != 200 || slices.Contains(a.codes(), condEngineStill) {
			t.Errorf("it goes on: healthz %d %s, conditions %v", code, body, a.codes())
		}
	})
}

func TestADaemonThatHasJustStartedDoesNotStandStill(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.build(nodeA, nil)
		if code, body := a.ask("/healthz"); code != 200 || len(a.Snapshot().Conditions) != 0 {
			t.Errorf("healthz: %d %s; conditions %v", code, body, a.Snapshot().Conditions)
		}
	})
}
