// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	module = "github.com/fipctl/fipctl"
	root   = "../.."
)

// tree is a repository as the rules see it: its text files by path, the paths of its other
// files, and its Go packages with every file whatever its build tags, so that a tag hides
// nothing.
type tree struct {
	files    map[string]string
	binaries []string
	packages []*pack
}

// pack is one folder of Go files. Its path is relative to the module.
type pack struct {
	path  string
	files []*source
}

// source is one parsed Go file.
type source struct {
	path   string
	test   bool
	text   string
	lines  func(ast.Node) (first, last int)
	syntax *ast.File
}

// newTree parses the Go files among files. Those under testdata are not part of
// any package.
func newTree(t *testing.T, files map[string]string) *tree {
	t.Helper()
	byFolder := map[string]*pack{}
	for name, text := range files {
		if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			continue
		}
		folder := path.Dir(name)
		if byFolder[folder] == nil {
			byFolder[folder] = &pack{path: folder}
		}
		byFolder[folder].files = append(byFolder[folder].files, parse(t, name, text))
	}
	tr := &tree{files: files}
	for _, p := range byFolder {
		slices.SortFunc(p.files, func(a, b *source) int { return strings.Compare(a.path, b.path) })
		tr.packages = append(tr.packages, p)
	}
	slices.SortFunc(tr.packages, func(a, b *pack) int { return strings.Compare(a.path, b.path) })
	return tr
}

func parse(t *testing.T, name, text string) *source {
	t.Helper()
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("parse %s: %v", name, err)
	}
	return &source{
		path:   name,
		test:   strings.HasSuffix(name, "_test.go"),
		text:   text,
		syntax: syntax,
		lines: func(n ast.Node) (int, int) {
			return fset.Position(n.Pos()).Line, fset.Position(n.End()).Line
		},
	}
}

// content is what the files of a checkout hold: the text by path, and the paths of what is
// no text.
type content struct {
	files    map[string]string
	binaries []string
}

// repository reads the checkout once for all tests. Folders that git does not
// keep are left out.
var repository = sync.OnceValues(func() (content, error) {
	c := content{files: map[string]string{}}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == ".git" && !d.IsDir() { // of a second worktree
			return nil
		}
		if d.IsDir() {
			if d.Name() == ".git" || d.Name() == "dist" {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if rel = filepath.ToSlash(rel); bytes.IndexByte(text, 0) >= 0 {
			c.binaries = append(c.binaries, rel)
		} else {
			c.files[rel] = string(text)
		}
		return err
	})
	return c, err
})

// checkout returns the repository this test runs in.
func checkout(t *testing.T) *tree {
	t.Helper()
	c, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	tr := newTree(t, c.files)
	tr.binaries = c.binaries
	return tr
}

// exists reports whether the tree has a file or folder of that path.
func (tr *tree) exists(name string) bool {
	name = path.Clean(name)
	if _, ok := tr.files[name]; ok || name == "." {
		return true
	}
	for file := range tr.files {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// hasPackage reports whether a package matches the pattern.
func (tr *tree) hasPackage(pattern string) bool {
	return slices.ContainsFunc(tr.packages, func(p *pack) bool { return matches(pattern, p.path) })
}

// named returns the paths of the files whose name matches the glob, sorted.
func (tr *tree) named(glob string) []string {
	var names []string
	for name := range tr.files {
		if ok, _ := path.Match(glob, path.Base(name)); ok && !strings.Contains(name, "testdata/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// sources calls visit for every Go file of every package.
func (tr *tree) sources(visit func(*pack, *source)) {
	for _, p := range tr.packages {
		for _, s := range p.files {
			visit(p, s)
		}
	}
}

// imports returns what a file imports. Paths within the module are relative to it.
func (s *source) imports() []string {
	var paths []string
	for _, spec := range s.syntax.Imports {
		paths = append(paths, strings.TrimPrefix(strings.Trim(spec.Path.Value, `"`), module+"/"))
	}
	return paths
}

// matches reports whether path is what pattern names: the path itself or, for a
// pattern that ends in "/...", the path and everything below it.
func matches(pattern, path string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return path == pattern
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}
