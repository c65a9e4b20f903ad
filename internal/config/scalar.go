// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/fipctl/fipctl/internal/health"
)

// kind is what YAML takes a value for.
type kind string

const (
	kindText    kind = "text"
	kindNumber  kind = "number"
	kindFlag    kind = "flag"
	kindNothing kind = "nothing"
	kindList    kind = "list"
	kindBlock   kind = "block of keys"
)

// scalar is a value as it was written.
type scalar struct {
	kind kind
	text string // as written, without quotes
}

// seen returns what n is.
func seen(n ast.Node) scalar {
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return scalar{kind: kindNothing}
	case *ast.StringNode:
		if v.Token.Type == token.StringType && digits.MatchString(v.Value) {
			return scalar{kindNumber, v.Value} // too large for the YAML package
		}
		return scalar{kindText, v.Value}
	case *ast.LiteralNode:
		return scalar{kindText, v.Value.Value}
	case *ast.BoolNode:
		return scalar{kindFlag, v.GetToken().Value}
	case *ast.SequenceNode:
		return scalar{kind: kindList}
	case *ast.MappingNode:
		return scalar{kind: kindBlock}
	default: // integers, floats, infinity, not-a-number
		return scalar{kindNumber, n.GetToken().Value}
	}
}

var digits = regexp.MustCompile(`^[-+]?[0-9]+$`)

// describe returns the value and what it is: "80 is a number".
func (s scalar) describe() string {
	switch s.kind {
	case kindText:
		return quote(s.text) + " is a text"
	case kindNumber, kindFlag:
		return clip(s.text) + " is a " + string(s.kind)
	default:
		return "is a " + string(s.kind)
	}
}

// scalarLeaf is a raw value that is written as one scalar. scan returns what is
// wrong with it, or "".
type scalarLeaf interface{ scan(s scalar) string }

// text is any text. YAML's own idea of numbers and flags is not overruled
// silently: a quoted value says that a text is meant.
type text string

func (t *text) scan(s scalar) string {
	switch {
	case s.kind == kindNumber || s.kind == kindFlag:
		return fmt.Sprintf("%s, allowed is a text; write %q with the quotes", s.describe(), clip(s.text))
	case s.kind != kindText:
		return s.describe() + "; write one text"
	case s.text == "":
		return "is empty; write a value or remove the key"
	case strings.ContainsFunc(s.text, unicode.IsControl):
		return quote(s.text) + " has a line break or another control character; remove it"
	}
	*t = text(s.text)
	return ""
}

// ident is a text that somebody else chose, and that may look like a number.
type ident string

func (t *ident) scan(s scalar) string {
	if s.kind == kindNumber {
		s.kind = kindText
	}
	return (*text)(t).scan(s)
}

// number is a whole number.
type number int

func (n *number) scan(s scalar) string {
	v, err := strconv.ParseInt(s.text, 10, 32)
	switch {
	case s.kind != kindNumber:
		return s.describe() + "; write a whole number without quotes"
	case err != nil, len(strings.TrimLeft(s.text, "+-")) > 1 && strings.TrimLeft(s.text, "+-")[0] == '0':
		return clip(s.text) + " is no whole decimal number of a usual size; write one such as 10"
	}
	*n = number(v)
	return ""
}

// toggle is true or false.
type toggle bool

func (f *toggle) scan(s scalar) string {
	if s.kind != kindFlag {
		return s.describe() + "; write true or false"
	}
	*f = toggle(strings.EqualFold(s.text, "true"))
	return ""
}

// span is a duration with its unit.
type span time.Duration

func (d *span) scan(s scalar) string {
	if s.kind == kindNumber {
		return fmt.Sprintf("%s has no unit; write %ss or %sms", clip(s.text), clip(s.text), clip(s.text))
	}
	v, err := time.ParseDuration(s.text)
	if s.kind != kindText || err != nil {
		return s.describe() + "; write a duration such as 250ms, 1s, 1m30s"
	}
	*d = span(v)
	return ""
}

// spanOrNever is a duration, or "never", which is 0.
type spanOrNever time.Duration

func (d *spanOrNever) scan(s scalar) string {
	if s.kind == kindText && s.text == "never" {
		*d = 0
		return ""
	}
	if problem := (*span)(d).scan(s); problem != "" {
		return problem + ", or never"
	}
	if *d == 0 {
		return "0s is no time to wait; write a duration such as 5m, or never"
	}
	return ""
}

// fileMode is a file's permissions in octal.
type fileMode fs.FileMode

func (m *fileMode) scan(s scalar) string {
	digits := strings.TrimPrefix(s.text, "0o")
	v, err := strconv.ParseUint(digits, 8, 32)
	if s.kind != kindNumber && s.kind != kindText || err != nil || v > 0o777 || len(digits) < 3 {
		return s.describe() + "; write an octal mode such as 0660"
	}
	*m = fileMode(v)
	return ""
}

// statusRange is an HTTP status, or two with a hyphen between them.
type statusRange struct{ low, high int }

func (r *statusRange) scan(s scalar) string {
	low, high, isRange := strings.Cut(s.text, "-")
	if !isRange {
		high = low
	}
	a, err1 := strconv.ParseUint(low, 10, 16)
	b, err2 := strconv.ParseUint(high, 10, 16)
	if s.kind != kindNumber && s.kind != kindText || err1 != nil || err2 != nil || a == 0 || b == 0 {
		return s.describe() + "; write an HTTP status such as 200, or a range such as 200-399"
	}
	*r = statusRange{int(a), int(b)}
	return ""
}

// command is a program and its arguments: a list, or a line cut at its blanks.
type command []string

func (c *command) scan(n ast.Node) string {
	seq, isList := n.(*ast.SequenceNode)
	if !isList {
		var line text
		if problem := line.scan(seen(n)); problem != "" {
			return seen(n).describe() + "; write a list such as [/usr/bin/test, -e, /run/ready], or one line"
		}
		argv, err := health.Split(string(line))
		if err != nil {
			return err.Error()
		}
		*c = argv
		return ""
	}
	for i, entry := range seq.Values {
		s := seen(entry)
		if s.kind != kindText && s.kind != kindNumber && s.kind != kindFlag {
			return fmt.Sprintf("argument %d %s; write texts only", i, s.describe())
		}
		*c = append(*c, s.text)
	}
	return ""
}

// shownMax is how much of a wrong value a message repeats, in characters.
const shownMax = 64

// clip returns s, cut if it is long.
func clip(s string) string {
	if r := []rune(s); len(r) > shownMax {
		return string(r[:shownMax]) + "..."
	}
	return s
}

// quote returns s in quotes, cut if it is long.
func quote(s string) string { return strconv.Quote(clip(s)) }
