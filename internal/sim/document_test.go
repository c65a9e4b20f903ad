// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTheDocumentNamesEveryFaultCheckerAndTooth compares docs/reliability.md with what
// there is, in the same order.
func TestTheDocumentNamesEveryFaultCheckerAndTooth(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	var faults, bites []string
	for _, f := range Faults() {
		faults = append(faults, f.String())
	}
	for _, tooth := range teeth {
		bites = append(bites, fmt.Sprintf("%s %s %d", tooth.name(), tooth.checker, tooth.within))
	}
	toothLine := regexp.MustCompile("(?m)^\\| .*\\(`([A-Za-z0-9]+)`\\) \\| `([A-Za-z0-9.-]+)` \\| \\d+ \\| (\\d+) \\|$")
	for title, want := range map[string][]string{"Faults": faults, "Checkers": Checkers()} {
		if diff := cmp.Diff(want, rows(string(text), title, regexp.MustCompile("(?m)^\\| `([A-Za-z0-9.-]+)` \\|"))); diff != "" {
			t.Errorf("%s (-what there is +document):\n%s", title, diff)
		}
	}
	if diff := cmp.Diff(bites, rows(string(text), "Teeth", toothLine)); diff != "" {
		t.Errorf("Teeth (-what there is +document):\n%s", diff)
	}
}

// rows returns what a pattern captures in the lines under a heading.
func rows(text, title string, line *regexp.Regexp) (found []string) {
	_, text, _ = strings.Cut(text, "\n## "+title+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for _, m := range line.FindAllStringSubmatch(text, -1) {
		found = append(found, strings.Join(slices.Clone(m[1:]), " "))
	}
	return found
}
