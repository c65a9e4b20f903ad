// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var since = time.Date(2026, 11, 21, 1, 2, 3, 0, time.UTC)

func TestADrainMarkIsReadBack(t *testing.T) {
	t.Parallel()
	marks := drainMarks{filepath.Join(t.TempDir(), "new", "state"), "web", "lb-a"}
	steps := []struct {
		name string
		do   func() error
		want bool
	}{
		{"nothing was ever written", func() error { return nil }, false},
		{"cleared without having been set", func() error { return marks.clear("web") }, false},
		{"set", func() error { return marks.set("web", since) }, true},
		{"set once more", func() error { return marks.set("web", since) }, true},
		{"another group is set", func() error { return marks.set("db", since) }, true},
		{"cleared", func() error { return marks.clear("web") }, false},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if got, err := marks.drained("web"); got != s.want || err != nil {
			t.Errorf("%s: %v, %v", s.name, got, err)
		}
	}
	content, err := os.ReadFile(marks.path("db"))
	if want := `{"cluster":"web","node":"lb-a","group":"db","since":"2026-11-21T01:02:03Z"}` + "\n"; string(content) != want || err != nil {
		t.Errorf("the file holds %q, %v", content, err)
	}
	if files, err := os.ReadDir(marks.dir); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestAMarkOfSomebodyElseDoesNotCount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := (drainMarks{dir, "web", "lb-a"}).set("web", since); err != nil {
		t.Fatal(err)
	}
	for name, marks := range map[string]drainMarks{
		"of another cluster": {dir, "shop", "lb-a"}, "of another node, as on a cloned machine": {dir, "web", "lb-b"},
	} {
		if drained, err := marks.drained("web"); drained || err != nil {
			t.Errorf("a mark %s: %v, %v", name, drained, err)
		}
		if _, err := os.Stat(marks.path("web")); err != nil {
			t.Errorf("a mark %s: %v", name, err)
		}
	}
}

func TestAMarkThatCannotBeUnderstoodIsSetAside(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, content, why string }{
		{"cut short", `{"cluster":"we`, "unexpected end of JSON input"},
		{"empty", "", "unexpected end of JSON input"},
		{"not a mark", `{}`, `it names cluster "", node "", group ""`},
		{"of another group", `{"cluster":"web","node":"lb-a","group":"db"}`, `it names cluster "web", node "lb-a", group "db"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			marks := drainMarks{t.TempDir(), "web", "lb-a"}
			path := marks.path("web")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			drained, marred := readMarks(marks, []string{"db", "web"})
			if diff := cmp.Diff(map[string]bool{"db": false, "web": false}, drained); diff != "" {
				t.Errorf("drained (-want +got):\n%s", diff)
			}
			want := "read drain mark " + path + ": " + tt.why + "; set aside as " + path +
				".corrupt, the node is not drained; run \"fipctl drain\" again if it should be"
			var corrupt *corruptMarkError
			if len(marred) != 1 || marred[0].Error() != want || !errors.As(marred[0], &corrupt) || corrupt.Unwrap() == nil {
				t.Errorf("got  %v\nwant %s", marred, want)
			}
			if aside, err := os.ReadFile(path + ".corrupt"); string(aside) != tt.content || err != nil {
				t.Errorf("set aside: %q, %v", aside, err)
			}
			if _, marred = readMarks(marks, []string{"web"}); marred != nil {
				t.Errorf("the second look reports %v", marred)
			}
		})
	}
}

func TestWhatTheDiskRefusesIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, marks := filepath.Join(dir, "file"), drainMarks{dir, "web", "lb-a"}
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Mkdir(marks.path("web"), 0o700), os.WriteFile(filepath.Join(marks.path("web"), "x"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, errRead := marks.drained("web")
	for name, pair := range map[string][2]string{
		"read":            {text(errRead), "read drain mark: read " + marks.path("web") + ": is a directory"},
		"clear":           {text(marks.clear("web")), "remove drain mark: remove " + marks.path("web") + ": directory not empty"},
		"make directory":  {text(drainMarks{file, "web", "lb-a"}.set("web", since)), "write drain mark: mkdir " + file + ": not a directory"},
		"replace by file": {strings.SplitN(text(marks.set("web", since)), " /", 2)[0], "write drain mark: rename"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s:\ngot  %s\nwant %s", name, pair[0], pair[1])
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAMarkThatWaitsIsWrittenBeforeTheEnd(t *testing.T) {
	t.Parallel()
	w := newMarkWriter(drainMarks{t.TempDir(), "web", "lb-a"})
	var reported []string
	w.report = func(group string, err error) { reported = append(reported, group+" "+text(err)) }
	w.jobs <- markJob{"web", true}
	w.jobs <- markJob{"db", true}
	w.jobs <- markJob{"web", false}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Run(ctx); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"web ", "db ", "web "}, reported); diff != "" {
		t.Errorf("reported (-want +got):\n%s", diff)
	}
	for group, want := range map[string]bool{"web": false, "db": true} {
		if got, err := w.drained(group); got != want || err != nil {
			t.Errorf("%s: %v, %v", group, got, err)
		}
	}
}

func TestACorruptMarkIsAConditionOfTheDaemon(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		dir := filepath.Join(w.dir, nodeA)
		w.must(os.Mkdir(dir, 0o700))
		path := drainMarks{dir: dir}.path("web")
		w.must(os.WriteFile(path, []byte("{"), 0o600))
		a := w.start(nodeA, nil)
		w.eventually("the node leads", a.bound)
		want := "read drain mark " + path + ": unexpected end of JSON input; set aside as " + path +
			".corrupt, the node is not drained; run \"fipctl drain\" again if it should be"
		if got := a.text(condDrainMarkCorrupt); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		a.reloadNow()
		if got := a.text(condDrainMarkCorrupt); got != "" {
			t.Errorf("after a reload: %s", got)
		}
	})
}

func TestTooManyMarksAtOnceAreRefused(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.build(nodeA, nil)
		g := a.engine.groups[0]
		for range marksMax {
			a.mark(g, true)
		}
		if g.mark.writing != marksMax || g.mark.err != nil {
			t.Errorf("%+v", g.mark)
		}
		if a.mark(g, true); g.mark.writing != marksMax || !errors.Is(g.mark.err, errMarksBusy) {
			t.Errorf("%+v", g.mark)
		}
	})
}
