// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a problem keeps the file from being used.
type Severity uint8

// The severities.
const (
	Error   Severity = iota // the file cannot be used
	Warning                 // it can, but probably does not do what was meant
)

// Problem is one thing that is wrong with the file.
type Problem struct {
	File     string
	Line     int    // from 1; 0: no particular line
	Column   int    // from 1, in characters
	Path     string // such as "groups[0].addresses[1].ip"; empty: the file as a whole
	Text     string // what was given, what is allowed, what to do
	Severity Severity
	Unread   bool // it is about a file that is not there yet or could not be read now, not about what is in one
}

// String returns "file:line: path: text", with "warning: " before the path of a
// warning.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Severity == Warning {
		b.WriteString("warning: ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Problems is everything that is wrong with a file, sorted by position. As an
// error it holds at least one problem that is an [Error].
type Problems []Problem

// Error returns one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors returns the problems that keep the file from being used.
func (ps Problems) Errors() Problems { return ps.only(Error) }

// Warnings returns the problems that do not.
func (ps Problems) Warnings() Problems { return ps.only(Warning) }

// Unread reports whether all that keeps the file from being used is about what could not be
// read, which may be over without a change to the file.
func (ps Problems) Unread() bool {
	errs := ps.Errors()
	return len(errs) > 0 && !slices.ContainsFunc(errs, func(p Problem) bool { return !p.Unread })
}

func (ps Problems) only(s Severity) Problems {
	var out Problems
	for _, p := range ps {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

// place is a position in the file, both counted from 1.
type place struct{ line, column int }

// reporter collects problems and knows where in the file each path is.
type reporter struct {
	file     string
	places   map[string]place
	problems Problems

	offered func(path string, keys []string) []string // nil: all keys
}

// offer returns those of the keys of a block that make sense there.
func (r *reporter) offer(path string, keys []string) []string {
	if r.offered == nil {
		return keys
	}
	return r.offered(path, keys)
}

// given reports whether the file has the key, with a good value or not.
func (r *reporter) given(path string) bool {
	_, ok := r.places[path]
	return ok
}

// at returns the place of a path or, if the file does not have it, of the
// nearest thing around it.
func (r *reporter) at(path string) place {
	for path != "" {
		if p, ok := r.places[path]; ok {
			return p
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return place{1, 1}
}

// line returns the line of a path, for messages that point at another setting.
func (r *reporter) line(path string) int { return r.at(path).line }

// errorf reports what makes the file unusable.
func (r *reporter) errorf(path, format string, args ...any) {
	r.report(Error, r.at(path), path, fmt.Sprintf(format, args...))
}

// unreadf reports a file that is not there or cannot be read.
func (r *reporter) unreadf(path, format string, args ...any) {
	r.errorf(path, format, args...)
	r.problems[len(r.problems)-1].Unread = true
}

// warnf reports what is allowed and hardly meant.
func (r *reporter) warnf(path, format string, args ...any) {
	r.report(Warning, r.at(path), path, fmt.Sprintf(format, args...))
}

func (r *reporter) report(s Severity, at place, path, text string) {
	r.problems = append(r.problems, Problem{
		File: r.file, Line: at.line, Column: at.column, Path: path, Text: text, Severity: s,
	})
}

// sorted returns the problems in the order of the file.
func (r *reporter) sorted() Problems {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Text, b.Text),
		)
	})
	return r.problems
}
