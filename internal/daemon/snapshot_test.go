// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestTheSnapshotAsJSON compares what a node says of itself with files: virtual
// time makes every age and date the same at each run.
func TestTheSnapshotAsJSON(t *testing.T) {
	tests := []struct {
		name   string
		holder providers.Target
		scene  func(w *world, a, b *node) *node // returns who is asked
	}{
		{"owner", target(nodeA), func(_ *world, a, _ *node) *node { return a }},
		{"standby", target(nodeA), func(_ *world, _, b *node) *node { return b }},
		{"alone", target(nodeA), func(w *world, a, b *node) *node { b.crash(); w.pass(5 * time.Second); return a }},
		{"unreadable", target(nodeA), func(w *world, a, _ *node) *node {
			a.cloud.set("owner", denied("read owner of"))
			w.pass(25 * time.Second)
			return a
		}},
		{"handover", target(nodeA), func(w *world, a, b *node) *node {
			go b.assign(status.AssignRequest{})
			w.pass(700 * time.Millisecond)
			return a
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, tt.holder, func(w *world) {
				a, b := w.settled()
				s := tt.scene(w, a, b).Snapshot()
				s.PID = 1
				got, err := json.MarshalIndent(s, "", "  ")
				w.must(err)
				golden(w.T, "snapshot-"+tt.name+".json", append(got, '\n'))
				w.pass(30 * time.Second) // what was begun ends
			})
		})
	}
}

// golden compares got with a file below testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s (-want +got):\n%s", path, cmp.Diff(string(want), string(got)))
	}
}

// TestASnapshotIsNeverOldForLong: what changed is published within publishEvery,
// although nothing else happens until the next advert.
func TestASnapshotIsNeverOldForLong(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.settled()
		a.engine.post(func() { a.engine.reload = os.ErrNotExist })
		w.pass(publishEvery)
		if a.text(condReloadFailed) == "" {
			t.Error("the snapshot does not say it yet")
		}
	})
}

func TestASnapshotSharesNothingWithTheNext(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.settled()
		first := a.Snapshot()
		before, err := json.Marshal(first)
		w.must(err)
		out, _ := a.assign(status.AssignRequest{To: nodeB})
		if out.Code != status.CodeDone {
			t.Fatal(out)
		}
		after, err := json.Marshal(first)
		w.must(err)
		if !bytes.Equal(before, after) {
			t.Errorf("before %s\nafter  %s", before, after)
		}
	})
}
