// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// TestOneTokenIsThatOfTheFirstAttempt: for each context its own, and none of a source that
// failed.
func TestOneTokenIsThatOfTheFirstAttempt(t *testing.T) {
	t.Parallel()
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
	}))
	defer srv.Close()
	asked := 0
	client := cloudhttp.New(cloudhttp.Config{Token: func() (cloudhttp.Secret, error) {
		if asked++; asked == 1 {
			return cloudhttp.Secret{}, errors.New("the file is being written")
		}
		return cloudhttp.NewSecret(fmt.Sprintf("token-%d", asked)), nil
	}}).HTTP()
	defer client.CloseIdleConnections()
	read := func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	first, second := cloudhttp.OneToken(t.Context()), cloudhttp.OneToken(t.Context())
	if err := read(first); err == nil {
		t.Error("a source that failed gave a token")
	}
	for _, ctx := range []context.Context{first, second, first, t.Context(), second} {
		if err := read(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"Bearer token-2", "Bearer token-3", "Bearer token-2", "Bearer token-4", "Bearer token-3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
