// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package telemetry

import (
	"io"
	"slices"
)

// Lines returns a writer of whole lines to w that begins a new one after a line of which w
// took a part only, as a full disk does. Like what it writes to, it takes one write at a time.
func Lines(w io.Writer) io.Writer { return &lines{w: w} }

type lines struct {
	w    io.Writer
	torn bool // what w has does not end a line
}

// Write writes one line. What it returns counts the bytes of b.
func (l *lines) Write(b []byte) (int, error) {
	begin := 0
	if l.torn {
		begin, b = 1, slices.Concat([]byte("\n"), b)
	}
	n, err := l.w.Write(b)
	l.torn = n < len(b) && (n > begin || n == 0 && l.torn)
	return max(0, n-begin), err
}
