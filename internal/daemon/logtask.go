// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"time"

	"github.com/fipctl/fipctl/internal/telemetry"
)

// lastWords is how long the end of the daemon waits for what is queued of its log. A
// disk or a reader that works takes milliseconds; one that does not takes for ever, and
// whoever stops the daemon waits with it.
const lastWords = time.Second

// writeLog writes the log in a goroutine of its own, nil: nothing, and returns what ends
// that. It outlives every other task, so that their last lines are written. A handler
// that does not return then is left where it is: nothing can end a write that the
// kernel holds, and the process is about to end.
func writeLog(q *telemetry.LogQueue) (end func()) {
	if q == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	written := make(chan struct{})
	go func() {
		defer close(written)
		_ = q.Run(ctx) // it returns nil
	}()
	return func() {
		cancel()
		select {
		case <-written:
		case <-time.After(lastWords):
		}
	}
}
