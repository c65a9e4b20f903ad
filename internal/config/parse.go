// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The limits of a file. A cluster of 16 nodes and 50 groups needs less than a
// tenth of each; what exceeds them is not a configuration. The parser calls
// itself for every level of nesting, and a stack that overflows cannot be
// recovered from: brackets are counted, and indentation is bounded by the length
// of a line.
const (
	fileMax   = 1 << 20 // bytes
	lineMax   = 4096    // bytes
	tokensMax = 100_000
	nestMax   = 32 // brackets within brackets
	seqMax    = 32 // "- - -" on one line
)

// byteOrderMark is what some editors put in front of UTF-8.
var byteOrderMark = []byte("\ufeff")

// parse returns the single mapping that the text consists of, or nil after
// reporting why it has none.
func (r *reporter) parse(text []byte) *ast.MappingNode {
	if !r.plausible(text) {
		return nil
	}
	tokens := lexer.Tokenize(string(bytes.TrimPrefix(text, byteOrderMark)))
	if !r.plain(tokens) {
		return nil
	}
	file, err := parseTokens(tokens)
	if err != nil {
		r.syntax(err)
		return nil
	}
	return r.document(file)
}

// plausible reports whether the bytes can be a file of ours at all.
func (r *reporter) plausible(text []byte) bool {
	if len(text) > fileMax {
		r.errorf("", "is larger than 1 MiB; this is hardly a configuration of fipctl, look at --config")
		return false
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		switch {
		case len(line) > lineMax:
			r.report(Error, place{number, 1}, "", fmt.Sprintf("the line has %d bytes, allowed are %d; break it", len(line), lineMax))
			return false
		case !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0:
			r.report(Error, place{number, 1}, "", "the line is not UTF-8 text; save the file as UTF-8")
			return false
		}
	}
	return true
}

// refused are the parts of YAML that a file for people does not need. Without
// them nothing in the file can stand for more than it shows: no alias that
// multiplies, no tag that changes a type.
var refused = map[token.Type]string{
	token.AnchorType:     "anchors are not supported; write the value where it is needed",
	token.AliasType:      "aliases are not supported; write the value out (in quotes if it begins with *)",
	token.TagType:        "tags are not supported; write the value without it (in quotes if it begins with !)",
	token.MergeKeyType:   "merge keys are not supported; write the keys out",
	token.MappingKeyType: "keys with ? are not supported; write key: value",
	token.DirectiveType:  "directives are not supported; remove the line",
}

// plain reports whether the tokens use only the plain part of YAML, within the
// limits.
func (r *reporter) plain(tokens token.Tokens) bool {
	found := len(r.problems)
	fail := func(t *token.Token, text string) {
		r.report(Error, placeOf(t), "", text)
	}
	if len(tokens) > tokensMax {
		fail(tokens[tokensMax], "the file has too many values for a configuration of fipctl; look at --config")
		return false
	}
	nested, entries, line := 0, 0, 0
	for _, t := range tokens {
		if text, ok := refused[t.Type]; ok {
			fail(t, text)
		}
		if t.Position.Line != line {
			line, entries = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			nested++
		case token.SequenceEndType, token.MappingEndType:
			nested--
		case token.SequenceEntryType:
			entries++
		}
		if nested > nestMax || entries > seqMax {
			fail(t, fmt.Sprintf("nests deeper than %d levels; no setting needs that", nestMax))
			return false
		}
	}
	return len(r.problems) == found
}

// parseTokens runs the parser. It was written for well-meant input; a panic on
// the rest is a syntax error like any other.
func parseTokens(tokens token.Tokens) (f *ast.File, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("is not YAML that can be read")
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// syntax reports the parser's error. It knows only the first one.
func (r *reporter) syntax(err error) {
	var se *yaml.SyntaxError
	if !errors.As(err, &se) {
		r.errorf("", "%v; check quotes, brackets and indentation", err)
		return
	}
	at := place{1, 1}
	if se.Token != nil && se.Token.Position != nil {
		at = placeOf(se.Token)
	}
	r.report(Error, at, "", fmt.Sprintf("is not YAML: %s; check quotes, brackets and indentation (blanks, no tabs)", strings.ReplaceAll(se.Message, "\t", `\t`)))
}

// document returns the mapping of the only document.
func (r *reporter) document(file *ast.File) *ast.MappingNode {
	var body ast.Node
	for _, d := range file.Docs {
		switch {
		case d.Body == nil:
		case body != nil:
			r.report(Error, placeOf(d.Body.GetToken()), "", "a second document begins here; a configuration is one, remove the --- and what follows")
			return nil
		default:
			body = d.Body
		}
	}
	switch b := body.(type) {
	case nil:
		r.errorf("", "is empty; a configuration has at least the keys cluster, nodes and groups")
	case *ast.MappingNode:
		return b
	default:
		r.report(Error, placeOf(b.GetToken()), "", fmt.Sprintf("%s; a configuration begins with keys such as cluster, nodes, groups", seen(b).describe()))
	}
	return nil
}

// placeOf returns where a token is.
func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{t.Position.Line, t.Position.Column}
}
