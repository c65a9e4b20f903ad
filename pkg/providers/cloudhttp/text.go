// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"strconv"
	"strings"
	"unicode"
)

// TextMax bounds how much of a server's text gets into an error, in runes.
const TextMax = 200

// Clean makes a server's text fit for one line of a log: bounded, no control
// characters, no white space around it.
func Clean(text string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text))
	if len(runes) > TextMax {
		runes = append(runes[:TextMax], []rune("...")...)
	}
	return strings.TrimSpace(string(runes))
}

// Quote is Clean for text of which not even the form is known.
func Quote(text string) string { return strconv.Quote(Clean(text)) }
