// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import "strings"

// nearest returns the word that s was probably meant to be: one that is s cut
// short or drawn out, or the one with the fewest letters wrong, at most a third of
// them and two in short words. It returns "" if no word is close or several are.
func nearest(s string, words []string) string {
	best, bestDistance := "", max(2, len(s)/3)+1
	s = strings.ToLower(s)
	for _, w := range words {
		d := distance(s, w)
		if shared := min(len(s), len(w)); shared > 2 && s[:shared] == w[:shared] {
			d = min(d, 1)
		}
		switch {
		case d >= len(w):
		case d < bestDistance:
			best, bestDistance = w, d
		case d == bestDistance:
			best = ""
		}
	}
	return best
}

// listMax is how many allowed words are listed when one of them was meant.
const listMax = 6

// choice says which words are allowed instead of s, naming the nearest one if
// there is one.
func choice(s string, words []string) string {
	w := nearest(s, words)
	switch {
	case w != "" && len(words) > listMax:
		return "did you mean " + w + "?"
	case w != "" && len(words) > 1:
		return "did you mean " + w + "? (allowed: " + strings.Join(words, ", ") + ")"
	}
	return "use " + enumerate(words, "or")
}

// enumerate joins words as in "a, b or c".
func enumerate(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// distance is the number of letters to insert, remove, replace or swap with
// their neighbour to make a out of b. Long words are far from everything.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
