// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// TestAPermitWithdrawnAtTheLastMomentStopsTheRequest uses a real server and the
// client of all drivers, since that is where the last moment is: the connection is
// there, and nothing has been written to it.
func TestAPermitWithdrawnAtTheLastMomentStopsTheRequest(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	client := cloudhttp.New(cloudhttp.Config{})
	defer client.HTTP().CloseIdleConnections()
	f := &fake{assign: func(ctx context.Context, _ providers.Address, _ providers.Target, _ providers.Assignment) (providers.Result, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader("{}"))
		if err != nil {
			return providers.Result{}, err
		}
		response, err := client.HTTP().Do(request)
		if err == nil {
			err = response.Body.Close()
		}
		return providers.Result{}, err
	}}
	b := newBench(t, f)

	if o := b.do(t, writeJob(granted)); o.Write != election.WriteAccepted || reached.Load() != 1 {
		t.Fatalf("permitted: %v, %v, %d requests", o.Write, o.Err, reached.Load())
	}
	for _, connection := range []string{"warm", "new"} {
		asked := 0
		o := b.do(t, writeJob(func() election.Reason {
			if asked++; asked == 2 {
				return election.ReasonStaleTerm
			}
			return election.ReasonNone
		}))
		if asked != 2 || o.Write != election.WriteRefused || o.Refused != election.ReasonStaleTerm {
			t.Errorf("%s connection: asked %d times, %v, %q, %v", connection, asked, o.Write, o.Refused, o.Err)
		}
		client.HTTP().CloseIdleConnections()
	}
	if n := reached.Load(); n != 1 {
		t.Errorf("%d requests reached the server", n)
	}
}
