// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"fmt"
	"strings"
	"unicode"
)

// shellOnly are the characters by which a line asks for a shell.
const shellOnly = "|&;<>`$()"

// Split cuts a command line into program and arguments, for people who do not
// want to write a list. It knows blanks, single and double quotes and the
// backslash, and nothing else: a line that needs a shell is an error that says
// how to call one.
func Split(line string) ([]string, error) {
	var (
		argv    []string
		word    strings.Builder
		inWord  bool
		quote   rune // the open quote, 0 outside
		escaped bool
	)
	for _, r := range line {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case unicode.IsSpace(r):
			if inWord {
				argv = append(argv, word.String())
				word.Reset()
				inWord = false
			}
		case strings.ContainsRune(shellOnly, r):
			return nil, fmt.Errorf("%q needs a shell for %q, and none is used; quote it, "+
				"or write [/bin/sh, -c, '...']", line, r)
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("%q has a %c without its partner; close it", line, quote)
	case escaped:
		return nil, fmt.Errorf("%q ends in a backslash; remove or double it", line)
	case inWord:
		argv = append(argv, word.String())
	}
	if len(argv) == 0 {
		return nil, fmt.Errorf("%q names no program; write a path and its arguments", line)
	}
	return argv, nil
}
