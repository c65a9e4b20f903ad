// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// colour is an ANSI SGR code; none paints nothing.
type colour string

const (
	none   colour = ""
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

func ownerColour(s OwnerState) colour {
	switch s {
	case OwnerNode:
		return green
	case OwnerNone, OwnerForeign:
		return red
	default:
		return yellow
	}
}

func severityColour(s Severity) colour {
	switch s {
	case SeverityCritical:
		return red
	case SeverityWarning:
		return yellow
	default:
		return none
	}
}

// paint colours a text within one line. Its control characters are taken out
// first, as everywhere on the page.
func (p *page) paint(c colour, text string) string {
	text = printable(text)
	if !p.options.Colour || c == none {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// line adds one line, cut to the width.
func (p *page) line(text string) {
	p.WriteString(cut(text, p.options.Width))
	p.WriteByte('\n')
}

// wrap adds a paragraph, broken between words, its further lines indented by
// four more columns.
func (p *page) wrap(indent, text string) { p.wrapHead(indent, none, "", text) }

// wrapHead is wrap with a coloured head.
func (p *page) wrapHead(indent string, c colour, head, text string) {
	var words []string
	for _, w := range strings.Fields(head) {
		words = append(words, p.paint(c, w))
	}
	for _, w := range strings.Fields(text) {
		words = append(words, printable(w))
	}
	current := indent
	for i, word := range words {
		switch {
		case i == 0:
			current += word
		case p.options.Width > 0 && textWidth(current)+1+textWidth(word) > p.options.Width:
			p.line(current)
			current = indent + "    " + word
		default:
			current += " " + word
		}
	}
	p.line(current)
}

// textWidth returns how many columns a text takes: escape sequences none, every
// other rune one. Names are ASCII; texts of a cloud rarely are not.
func textWidth(text string) int {
	n, escape := 0, false
	for _, r := range text {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		default:
			n++
		}
	}
	return n
}

// cut shortens a line to width columns, ending in an ellipsis. Escape sequences
// are kept, so that a colour that was switched on is switched off again.
func cut(text string, width int) string {
	if width <= 0 || textWidth(text) <= width {
		return text
	}
	var b strings.Builder
	n, escape := 0, false
	for _, r := range text {
		switch {
		case r == '\x1b' || escape:
			escape = r != 'm'
			b.WriteRune(r)
		case n < width-1:
			n++
			b.WriteRune(r)
		case n == width-1:
			n++
			b.WriteRune('…')
		}
	}
	return b.String()
}

// printable replaces what a terminal would obey instead of show. Texts of peers,
// clouds and checks reach the page.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
