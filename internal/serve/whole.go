// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package serve

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// seatKey is under which net/http hands a request's connection to its handler; it has no
// other way.
type seatKey struct{}

func withSeat(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, seatKey{}, c)
}

// whole lets next answer requests that are here as a whole, their bodies of at most so many
// bytes included: until then their client is waited for, and again once next has answered.
// What a body lacks, next finds out where it reads it.
func whole(next http.Handler, most int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
		if err == nil {
			err = io.EOF
		}
		s := r.Context().Value(seatKey{}).(*seat)
		s.wait(time.Time{})
		defer func() { s.wait(time.Now()) }()
		here := *r
		here.Body = &body{bytes.NewReader(text), err}
		next.ServeHTTP(w, &here)
	})
}

// body is one that was read, and how that ended.
type body struct {
	text *bytes.Reader
	end  error
}

// Read returns the body's bytes, and then how it ended.
func (b *body) Read(p []byte) (int, error) {
	if b.text.Len() == 0 {
		return 0, b.end
	}
	return b.text.Read(p)
}

// Close does nothing: the server closes the one that this is a copy of.
func (*body) Close() error { return nil }
