// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// textMax bounds the text of a result, in bytes: it goes into a log line, a
// condition and an advert's reason.
const textMax = 300

// Result is one run of one check.
type Result struct {
	Group, Check string

	OK      bool  // the probe's answer
	State   State // of the check, this result included
	Changed bool  // this result changed the state

	// Opposing is how many results in a row, this one included, contradict the state and
	// do not change it yet.
	Opposing int

	// Inconclusive is true if the probe could not tell (see [ErrInconclusive]). OK is
	// false and the state is as before.
	Inconclusive bool
	NoValue      bool // and that is because a placeholder has no value yet

	Text string        // what was seen, one line
	At   time.Time     // when the run started
	Took time.Duration // how long it took
}

// timeoutError is the cause of a context that ended because a check took too
// long.
type timeoutError struct{ limit time.Duration }

func (e timeoutError) Error() string { return fmt.Sprintf("timed out after %v", e.limit) }

// withTimeout bounds ctx by the timeout of a check.
func withTimeout(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, timeoutError{limit})
}

// because returns why a call under ctx failed: the end of ctx, if it has ended,
// since what the call itself then says ("operation was canceled") hides it. A name
// that was not resolved by then stays the reason: it was not the service that was slow.
func because(ctx context.Context, err error) error {
	var name *net.DNSError
	switch {
	case ctx.Err() == nil:
		return err
	case errors.As(err, &name):
		return &net.DNSError{Err: context.Cause(ctx).Error(), Name: name.Name, Server: name.Server}
	default:
		return context.Cause(ctx)
	}
}

// Once runs a check a single time. The state of the result is what it says alone.
func Once(ctx context.Context, c Check, v Values) Result {
	c = c.WithDefaults()
	start := time.Now()
	limited, cancel := withTimeout(ctx, c.Timeout)
	defer cancel()
	text, err := ask(limited, c, v)
	res := newResult(text, err)
	res.Check, res.At, res.Took = c.Name, start, time.Since(start)
	if !res.Inconclusive {
		var first Counter
		res.Changed = first.Observe(res.OK)
		res.State = first.State()
	}
	return res
}

// ask puts the question. An answer after the end of ctx came too late, whatever
// it says.
func ask(ctx context.Context, c Check, v Values) (string, error) {
	if c.Probe == nil {
		return "", errors.New("ask: the check has no probe")
	}
	text, err := c.Probe.Ask(ctx, v)
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("%v: %w", c.Probe, context.Cause(ctx))
	}
	return text, err
}

// newResult classifies what a probe returned.
func newResult(text string, err error) Result {
	if err != nil {
		text = err.Error()
	}
	return Result{
		OK:           err == nil,
		Inconclusive: errors.Is(err, ErrInconclusive),
		NoValue:      errors.Is(err, ErrNoValue),
		Text:         oneLine(text),
	}
}

// oneLine makes s fit for a log: valid UTF-8, runs of white space and control
// characters turned into single spaces, and not longer than textMax.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "�")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(s) <= textMax {
		return s
	}
	end := textMax - len("…")
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
