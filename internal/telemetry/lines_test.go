// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package telemetry

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// disk takes so many bytes of each write, in turn; the last for ever.
type disk struct {
	takes []int
	has   string
}

func (d *disk) Write(b []byte) (int, error) {
	n := min(d.takes[0], len(b))
	if len(d.takes) > 1 {
		d.takes = d.takes[1:]
	}
	d.has += string(b[:n])
	if n < len(b) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

func TestALineAfterATornOneIsALineOfItsOwn(t *testing.T) {
	t.Parallel()
	const all = 1000
	for _, tt := range []struct {
		name  string
		takes []int
		want  string
	}{
		{"whole lines", []int{all}, "one\ntwo\nthree\nfour\n"},
		{"a part of one", []int{2, all}, "on\ntwo\nthree\nfour\n"},
		{"then nothing", []int{2, 0, all}, "on\nthree\nfour\n"},
		{"then the end of the line alone", []int{2, 1, all}, "on\nthree\nfour\n"},
		{"then a part again", []int{2, 3, all}, "on\ntw\nthree\nfour\n"},
		{"nothing of one", []int{0, all}, "two\nthree\nfour\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := &disk{takes: tt.takes}
			w := Lines(d)
			for _, line := range []string{"one\n", "two\n", "three\n", "four\n"} {
				if n, err := w.Write([]byte(line)); n > len(line) || n < len(line) && err == nil {
					t.Errorf("of %q it wrote %d: %v", line, n, err)
				}
			}
			if diff := cmp.Diff(tt.want, d.has); diff != "" {
				t.Errorf("it has (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheLineAboutAGapIsALineOfItsOwn where the gap began in the middle of a line.
func TestTheLineAboutAGapIsALineOfItsOwn(t *testing.T) {
	t.Parallel()
	d := &disk{takes: []int{30, 0, 1000}}
	plain := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "since" {
			return slog.Attr{}
		}
		return a
	}
	q := NewLogQueue(slog.NewTextHandler(Lines(d), &slog.HandlerOptions{ReplaceAttr: plain}), 3)
	log := slog.New(q.Handler())
	log.Info("the first that is cut in the middle")
	log.Info("the second")
	log.Info("the third")
	q.write()
	want := "level=INFO msg=\"the first that\nlevel=WARN msg=\"lines of the log were lost\" lines=2\nlevel=INFO msg=\"the third\"\n"
	if diff := cmp.Diff(want, d.has); diff != "" {
		t.Errorf("it has (-want +got):\n%s", diff)
	}
}
