// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

const (
	fileLinesMax         = 500
	functionLinesMax     = 70
	testFunctionLinesMax = 120 // a table of cases is read row by row
	pathElementsMax      = 4
	licence              = "// SPDX-License-Identifier: Apache-2.0\n// Copyright The fipctl Authors\n\n"
)

func layoutRules() []rule {
	return []rule{
		{
			claim:   "every Go file begins with the licence lines and a blank line",
			because: "a licence line that touches the package clause becomes its documentation",
			check:   checkLicence,
			broken:  map[string]string{"pkg/a/a.go": "// Copyright Somebody\n\npackage a\n"},
			problem: "pkg/a/a.go:1: begins without the two licence lines and a blank line",
		},
		{
			claim:   fmt.Sprintf("no Go file is longer than %d lines", fileLinesMax),
			because: "a file should be pleasant to read from its top",
			check:   checkFileSizes,
			broken:  map[string]string{"pkg/a/a.go": "package a\n" + strings.Repeat("\n", 500)},
			problem: "pkg/a/a.go: 501 lines, at most 500",
		},
		{
			claim: fmt.Sprintf("no function is longer than %d lines (%d in tests)",
				functionLinesMax, testFunctionLinesMax),
			because: "a function that needs scrolling hides its branches",
			check:   checkFunctionSizes,
			broken:  map[string]string{"pkg/a/a.go": "package a\n\nfunc f() {\n" + strings.Repeat("\n", 69) + "}\n"},
			problem: "pkg/a/a.go:3: function f has 71 lines, at most 70",
		},
		{
			claim:   "packages are named for what they are and lie at most four folders deep",
			because: "a package called util, common, helpers or types collects whatever has no home",
			check:   checkPackageNames,
			broken:  map[string]string{"internal/util/a.go": "package util\n"},
			problem: "internal/util: the name says nothing about what is in it",
		},
	}
}

func checkLicence(tr *tree) (problems []string) {
	tr.sources(func(_ *pack, s *source) {
		if !strings.HasPrefix(s.text, licence) {
			problems = append(problems, s.path+":1: begins without the two licence lines and a blank line")
		}
	})
	return problems
}

func checkFileSizes(tr *tree) (problems []string) {
	tr.sources(func(_ *pack, s *source) {
		if n := strings.Count(s.text, "\n"); n > fileLinesMax {
			problems = append(problems, fmt.Sprintf("%s: %d lines, at most %d", s.path, n, fileLinesMax))
		}
	})
	return problems
}

func checkFunctionSizes(tr *tree) (problems []string) {
	tr.sources(func(_ *pack, s *source) {
		limit := functionLinesMax
		if s.test {
			limit = testFunctionLinesMax
		}
		for _, f := range functions(s) {
			first, last := s.lines(f)
			if n := last - first + 1; n > limit {
				problems = append(problems, fmt.Sprintf("%s:%d: function %s has %d lines, at most %d",
					s.path, first, f.Name.Name, n, limit))
			}
		}
	})
	return problems
}

func checkPackageNames(tr *tree) (problems []string) {
	vague := []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "base"}
	for _, p := range tr.packages {
		if slices.Contains(vague, path.Base(p.path)) {
			problems = append(problems, p.path+": the name says nothing about what is in it")
		}
		if n := len(strings.Split(p.path, "/")); n > pathElementsMax {
			problems = append(problems, fmt.Sprintf("%s: %d folders deep, at most %d", p.path, n, pathElementsMax))
		}
	}
	return problems
}
