// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected output of the stories; read every changed line")

// TestStories runs the scripts of testdata. A script is prose (lines with #),
// commands, and after each command what the machines did, indented, with the
// time since the command began. After -update, review the diff as if it were code.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("find stories: %v, %d files", err, len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("the story goes differently now:\n%s", firstDifference(string(want), got))
			}
		})
	}
}

// tell runs a script and returns it with the output as it is now.
func tell(t *testing.T, script string) string {
	w := newWorld()
	var out strings.Builder
	lines := bufio.NewScanner(strings.NewReader(script))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "    ") {
			continue
		}
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		w.log = nil
		if err := w.command(strings.Fields(line)); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, wrong := range w.wrong {
			t.Errorf("%q: %s", line, wrong)
		}
		w.wrong = nil
		for _, l := range w.log {
			out.WriteString("    " + l + "\n")
		}
	}
	return out.String()
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := 0; i < len(a) || i < len(b); i++ {
		x, y := "(end)", "(end)"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("line %d\n  want %s\n  got  %s", i+1, x, y)
		}
	}
	return "none"
}
