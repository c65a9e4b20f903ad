// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"path"
	"slices"
	"strings"
)

// ignoreFile names what a build or a test run may leave in a checkout.
const ignoreFile = ".gitignore"

// knownFiles are the files whose names say what they are.
var knownFiles = []string{ignoreFile, ".ci/run", "LICENSE", "Makefile", "go.mod", "go.sum", "internal/config/reference.yaml"}

// knownKinds are the names that files have, by the folder that they are under. A folder
// without a slash at its end may be anywhere.
var knownKinds = []struct {
	under string
	names []string
}{
	{"", []string{"*.go", "*.md"}},
	{"testdata", []string{"*.txt", "*.json", "*.yaml"}},
	{"testdata/fuzz", []string{strings.Repeat("[0-9a-f]", 16), "huge-length", "huge-name-count", "many-groups", "unknown-item", "unknown-group-item"}},
	{"testdata/rapid", []string{"*.fail"}},
	{"examples/", []string{"*.yaml", "*.service", "*.conf", "*.cfg", "*.json"}},
}

func kindRules() []rule {
	return []rule{{
		claim:   "every file is of a known kind",
		because: "what an editor, a script or a merge leaves behind is tracked for good once somebody adds it",
		check:   checkKinds,
		broken: map[string]string{
			ignoreFile: "# left by a test run\n/dist/\n/fipctl\n*.out\n", "fipctl": "", "dist/fipctl.deb": "", "pkg/a/cover.out": "",
			"README.md": "", "pkg/a/testdata/a.json": "", "pkg/a/testdata/fuzz/FuzzA/0123456789abcdef": "",
			"examples/a/a.conf": "", "internal/lab/mut.bak": "",
		},
		problem: "internal/lab/mut.bak: no kind of file that internal/archtest/kinds_test.go knows",
	}}
}

func checkKinds(tr *tree) (problems []string) {
	names := slices.Clone(tr.binaries)
	for name := range tr.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !knownFile(name) && !ignored(tr.files[ignoreFile], name) {
			problems = append(problems, name+": no kind of file that internal/archtest/kinds_test.go knows")
		}
	}
	return problems
}

func knownFile(name string) bool {
	if slices.Contains(knownFiles, name) {
		return true
	}
	for _, kind := range knownKinds {
		if liesUnder(kind.under, name) && matchesName(kind.names, name) {
			return true
		}
	}
	return false
}

// liesUnder reports whether a file is in a folder: with a slash at its end one of the root,
// without one wherever it is.
func liesUnder(folder, name string) bool {
	if folder == "" || strings.HasSuffix(folder, "/") {
		return strings.HasPrefix(name, folder)
	}
	return strings.Contains("/"+name, "/"+folder+"/")
}

func matchesName(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, _ := path.Match(glob, path.Base(name))
		return ok
	})
}

// ignored reports whether a line of the ignore file names the file: one of the root where
// it begins with a slash, a folder where it ends with one, else a name anywhere.
func ignored(lines, name string) bool {
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		of, atRoot := strings.CutPrefix(line, "/")
		switch {
		case atRoot && (name == of || strings.HasSuffix(of, "/") && strings.HasPrefix(name, of)):
			return true
		case !atRoot && matchesName([]string{of}, name):
			return true
		}
	}
	return false
}
