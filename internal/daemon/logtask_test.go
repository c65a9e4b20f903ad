// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fipctl/fipctl/internal/telemetry"
)

// stuck is a handler that does not return before it is let go.
type stuck struct {
	slog.Handler
	hold chan struct{}
}

func (s stuck) Handle(context.Context, slog.Record) error { <-s.hold; return nil }

func TestTheEndWaitsASecondForTheLog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		stuck bool
		want  time.Duration
	}{
		{"that is written at once", false, 0},
		{"and no longer, if it cannot be written", true, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				out := &journal{}
				var h slog.Handler = slog.NewTextHandler(out, nil)
				hold := make(chan struct{})
				if tt.stuck {
					h = stuck{h, hold}
				}
				q := telemetry.NewLogQueue(h, 10)
				end, began := writeLog(q), time.Now()
				slog.New(q.Handler()).Info("left")
				end()
				if took := time.Since(began); took != tt.want || !tt.stuck && !out.has("msg=left") {
					t.Errorf("it took %v, want %v; written: %q", took, tt.want, out.lines(slog.LevelDebug))
				}
				close(hold)
			})
		})
	}
}

func TestADaemonWhoseLogIsStuckGoesOn(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		hold := make(chan struct{})
		q := telemetry.NewLogQueue(stuck{slog.NewTextHandler(&journal{}, nil), hold}, 10)
		end := writeLog(q)
		a := w.start(nodeA, func(_ *node, o *Options, _ *parts) { o.Log, o.LogQueue = slog.New(q.Handler()), q })
		b := w.start(nodeB, nil)
		w.eventually("the owner leads", a.bound)
		w.eventually("there is a standby", func() bool { return b.role() == "backup" })
		w.pass(time.Minute)
		if err := a.stop(); err != nil {
			t.Errorf("end: %v", err)
		}
		w.eventually("the standby owns the address", b.bound)
		w.wantMoves(1, 1)
		close(hold)
		end()
	})
}
