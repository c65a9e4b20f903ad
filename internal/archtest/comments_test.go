// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

func commentRules() []rule {
	return []rule{
		{
			claim:   "every package has exactly one package comment, in doc.go if it has several files",
			because: "the comment is where a caller learns what the package never does; two of them drift apart",
			check:   checkPackageComments,
			broken: map[string]string{
				"pkg/a/a.go": "// Package a is one.\npackage a\n",
				"pkg/a/b.go": "// Package a is another.\npackage a\n",
			},
			problem: "pkg/a: 2 package comments (pkg/a/a.go pkg/a/b.go), want one in doc.go",
		},
		{
			claim:   "a package comment begins with the name of what it documents",
			because: "documentation is read where its file is not seen",
			check:   checkPackageCommentNames,
			broken:  map[string]string{"cmd/x/main.go": "// This is x.\npackage main\n"},
			problem: `cmd/x/main.go: the package comment begins without "Command x "`,
		},
		{
			claim:   "every exported name has a comment that begins with it",
			because: "the comment is the contract; a caller should not have to read the code",
			check:   checkExportedComments,
			broken: map[string]string{"pkg/a/a.go": `package a

// Good is documented.
type Good int

// Verb does something.
func (Good) Verb() {}

// The limits of a good thing.
const (
	Min = 1
	Max = 2
)

func (*Good) Bad() {}
`},
			problem: "pkg/a/a.go:15: exported Bad has no comment that begins with its name",
		},
	}
}

func checkPackageComments(tr *tree) (problems []string) {
	for _, p := range tr.packages {
		var commented []string
		files := 0
		for _, s := range p.files {
			if s.test {
				continue
			}
			files++
			if s.syntax.Doc != nil {
				commented = append(commented, s.path)
			}
		}
		switch {
		case files == 0:
			problems = append(problems, p.path+": holds tests only and has no package comment")
		case len(commented) == 1 && (files == 1 || path.Base(commented[0]) == "doc.go" || path.Base(commented[0]) == driverFile(p)):
		default:
			problems = append(problems, fmt.Sprintf("%s: %d package comments (%s), want one in doc.go",
				p.path, len(commented), strings.Join(commented, " ")))
		}
	}
	return problems
}

// driverFile is the file in which a package with a fixed set of files keeps its
// comment instead: a driver in the file named after it, a program in main.go.
func driverFile(p *pack) string {
	if matches("cmd/...", p.path) {
		return "main.go"
	}
	if matches("pkg/providers/...", p.path) || matches("pkg/metadata/...", p.path) {
		return path.Base(p.path) + ".go"
	}
	return "doc.go"
}

func checkPackageCommentNames(tr *tree) (problems []string) {
	tr.sources(func(p *pack, s *source) {
		want := "Package " + s.syntax.Name.Name + " "
		if s.syntax.Name.Name == "main" {
			want = "Command " + path.Base(p.path) + " "
		}
		if doc := s.syntax.Doc; doc != nil && !s.test && !strings.HasPrefix(flat(doc.Text()), want) {
			problems = append(problems, fmt.Sprintf("%s: the package comment begins without %q", s.path, want))
		}
	})
	return problems
}

func flat(text string) string { return strings.Join(strings.Fields(text), " ") + " " }

func checkExportedComments(tr *tree) (problems []string) {
	tr.sources(func(_ *pack, s *source) {
		if s.test {
			return
		}
		for _, d := range s.syntax.Decls {
			for _, name := range undocumented(d) {
				line, _ := s.lines(name)
				problems = append(problems, fmt.Sprintf("%s:%d: exported %s has no comment that begins with its name",
					s.path, line, name.Name))
			}
		}
	})
	return problems
}

// undocumented returns the exported names of a declaration that no comment
// speaks for.
func undocumented(d ast.Decl) []*ast.Ident {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) && !speaksOf(d.Doc, d.Name) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		return undocumentedSpecs(d)
	}
	return nil
}

func undocumentedSpecs(d *ast.GenDecl) (names []*ast.Ident) {
	grouped := d.Lparen.IsValid()
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			doc := spec.Doc
			if !grouped {
				doc = d.Doc
			}
			if spec.Name.IsExported() && !speaksOf(doc, spec.Name) {
				names = append(names, spec.Name)
			}
		case *ast.ValueSpec:
			// A group is documented as one; its members where they need it.
			for _, name := range spec.Names {
				documented := grouped && (d.Doc != nil || spec.Doc != nil || spec.Comment != nil)
				if name.IsExported() && !documented && !speaksOf(d.Doc, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// speaksOf reports whether a comment begins with the name as a whole word.
func speaksOf(doc *ast.CommentGroup, name *ast.Ident) bool {
	rest, ok := strings.CutPrefix(doc.Text(), name.Name)
	next, _ := utf8.DecodeRuneInString(rest)
	return ok && !unicode.IsLetter(next) && !unicode.IsDigit(next)
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return true
	}
	exported := false
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			exported = id.IsExported()
			return false
		}
		return true
	})
	return exported
}

func functions(s *source) (fs []*ast.FuncDecl) {
	for _, d := range s.syntax.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			fs = append(fs, f)
		}
	}
	return fs
}
