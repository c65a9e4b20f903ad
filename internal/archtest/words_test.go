// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// vendorless are the packages in which no cloud is named. Elsewhere a vendor's
// word is needed now and then, as an example of a kind or in a driver.
var vendorless = []string{"pkg/election/...", "internal/controller"}

var (
	vendorWord  = regexp.MustCompile(`(?i)\b(droplets?|eips?|havips?|reserved ips?|digitalocean|tencent|jdcloud)\b`)
	oldWord     = regexp.MustCompile(`(?i)\b(master|slave)\b`)
	machinePath = regexp.MustCompile(`(?:^|[\s"'(=\x60])/(?:(?:home|root|work|Users)/[\w.]+|tmp/[\w.-]+/)`)
	upward      = regexp.MustCompile(`(?:\.\./)+[\w.-]+`)
	unfinished  = regexp.MustCompile(`\b(?:TODO\b(?:\(#\d+\))?|FIXME\b|XXX\b)`)
	owned       = regexp.MustCompile(`^TODO\(#\d+\)$`)
)

func wordRules() []rule {
	return []rule{
		{
			claim:   "a vendor's word appears in no package that serves all clouds",
			because: "a rule that speaks of one cloud is not a rule for the others",
			check:   wordCheck(vendorWord, "a vendor's word", inVendorless),
			broken:  map[string]string{"pkg/election/a.go": "package election\n\n// The droplet is gone.\n"},
			problem: `pkg/election/a.go:3: "droplet" is a vendor's word`,
		},
		{
			claim:   "a node is active or backup",
			because: "there is one word for each role, and keepalived's are its own",
			check:   wordCheck(oldWord, "not our word for a role", isCode),
			broken:  map[string]string{"pkg/a/a.go": "package a\n\n// The Master leads.\n"},
			problem: `pkg/a/a.go:3: "Master" is not our word for a role`,
		},
		{
			claim:   "no file names a path of somebody's machine",
			because: "a path that exists on one machine misleads everybody on another",
			check:   wordCheck(machinePath, "a path of one machine", func(name string) bool { return !inArchtest(name) }),
			broken:  map[string]string{"docs/a.md": "See /home/ann/notes for more.\n"},
			problem: `docs/a.md:1: "/home/ann" is a path of one machine`,
		},
		{
			claim:   "what is unfinished has an issue number",
			because: "a mark without one is a promise to nobody",
			check:   checkUnfinished,
			broken:  map[string]string{"pkg/a/a.go": "package a\n\n// TODO: later. TODO(#7): then.\n"},
			problem: `pkg/a/a.go:3: "TODO" has no issue number`,
		},
		{
			claim:   "a relative path leads to something in this repository",
			because: "a clone has nothing else beside it",
			check:   checkUpward,
			broken: map[string]string{
				"docs/a.md":  "See ../pkg/a and ../../elsewhere.\n",
				"pkg/a/a.go": "package a\n",
			},
			problem: "docs/a.md:1: ../../elsewhere leads out of the repository or nowhere",
		},
	}
}

func isCode(name string) bool {
	return path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go")
}

func inVendorless(name string) bool { return isCode(name) && matchesAny(vendorless, path.Dir(name)) }

func inArchtest(name string) bool { return matches("internal/archtest", path.Dir(name)) }

// eachLine calls visit for the lines of the files that apply says yes to, in the
// order of their names.
func (tr *tree) eachLine(apply func(name string) bool, visit func(name string, line int, text string)) {
	names := make([]string, 0, len(tr.files))
	for name := range tr.files {
		if !strings.Contains(name, "testdata/") && apply(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		line := 0
		for text := range strings.Lines(tr.files[name]) {
			line++
			visit(name, line, text)
		}
	}
}

func wordCheck(word *regexp.Regexp, what string, apply func(string) bool) func(*tree) []string {
	return func(tr *tree) (problems []string) {
		tr.eachLine(apply, func(name string, line int, text string) {
			for _, found := range word.FindAllString(text, -1) {
				found = strings.Trim(found, " \t\"'(=`")
				problems = append(problems, fmt.Sprintf("%s:%d: %q is %s", name, line, found, what))
			}
		})
		return problems
	}
}

func checkUnfinished(tr *tree) (problems []string) {
	everywhere := func(name string) bool { return !inArchtest(name) && name != "go.sum" }
	tr.eachLine(everywhere, func(name string, line int, text string) {
		for _, found := range unfinished.FindAllString(text, -1) {
			if !owned.MatchString(found) {
				problems = append(problems, fmt.Sprintf("%s:%d: %q has no issue number", name, line, found))
			}
		}
	})
	return problems
}

func checkUpward(tr *tree) (problems []string) {
	everywhere := func(name string) bool { return !inArchtest(name) && name != "go.sum" }
	tr.eachLine(everywhere, func(name string, line int, text string) {
		for _, found := range upward.FindAllString(text, -1) {
			found = strings.TrimRight(found, ".")
			target := path.Join(path.Dir(name), found)
			if strings.HasPrefix(target, "..") || !tr.exists(target) {
				problems = append(problems, fmt.Sprintf("%s:%d: %s leads out of the repository or nowhere", name, line, found))
			}
		}
	})
	return problems
}
