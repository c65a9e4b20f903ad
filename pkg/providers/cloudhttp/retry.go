// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	// readsMax is how often one read is sent at most. Two repetitions get past a
	// connection that died and a single bad front end; an API that fails three
	// times in a row is down, and the controller is the one to wait for it.
	readsMax = 3
	// backoffMin and backoffMax bound the wait between two reads, before jitter. A
	// claim may be waiting for the answer, so both are short.
	backoffMin = 100 * time.Millisecond
	backoffMax = 500 * time.Millisecond
	// retryAfterMax is the longest Retry-After that is waited for here. A longer
	// one is for the controller, which sees it in the error it gets instead.
	retryAfterMax = 2 * time.Second
)

// retryReads returns the stage that repeats reads: at most readsMax attempts,
// each through a, with another beside it where its connection is suspected, none of them begun after the caller's context is over.
func retryReads(a *attempts) http.RoundTripper {
	return &retryablehttp.RoundTripper{Client: &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: &beside{next: a}, CheckRedirect: refuseRedirect},
		RetryMax:     readsMax - 1,
		RetryWaitMin: backoffMin,
		RetryWaitMax: backoffMax,
		CheckRetry:   worthRepeating,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}}
}

// worthRepeating decides whether a read is sent again.
//
//	answer                            sent again
//	none, or 5xx except 501           yes
//	429 with Retry-After              if that is at most retryAfterMax
//	429 without, or with 0            no: it would only use up more of the limit
//	no credentials, no usable proxy,  no: the next answer would be the same
//	body too large, certificate
//	refused
//	any other status                  no
//
// Never if the wait would outlast ctx: the answer at hand is worth more than a
// context error.
func worthRepeating(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil || errors.Is(err, ErrCredentials) || errors.Is(err, ErrBodyTooLarge) || errors.Is(err, errProxy) {
		return false, nil
	}
	if again, _ := retryablehttp.DefaultRetryPolicy(ctx, resp, err); !again {
		return false, nil
	}
	wait := backoffMax
	if after, ok := RetryAfter(resp, time.Now()); ok && after > 0 {
		wait = after
	} else if resp != nil && resp.StatusCode == http.StatusTooManyRequests {
		return false, nil
	}
	deadline, bounded := ctx.Deadline()
	return wait <= retryAfterMax && (!bounded || wait < time.Until(deadline)), nil
}

// backoff returns how long to wait before the next read: what the server asked
// for, else doubling from least to most with a jitter of half of it, so that the
// nodes of a cluster do not come back in step.
func backoff(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
	if after, ok := RetryAfter(resp, time.Now()); ok && after > 0 {
		return after
	}
	wait := min(least<<min(attempt, 10), most)
	return wait/2 + rand.N(wait/2+1)
}
