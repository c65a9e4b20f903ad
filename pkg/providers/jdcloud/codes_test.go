// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

// listedRefusal is one line of testdata/codes.txt.
type listedRefusal struct {
	source string
	status int
	word   string
	text   string
	kinds  string // read, write, detach
}

// listedRefusals returns what testdata/codes.txt has.
func listedRefusals(t *testing.T) (all []listedRefusal) {
	t.Helper()
	data, err := os.ReadFile("testdata/codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	source := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "= "); ok {
			source = rest
		}
		if line == "" || line[0] == '#' || line[0] == '=' {
			continue
		}
		fields := strings.Split(line, "|")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		status, err := strconv.Atoi(fields[0])
		if err != nil || len(fields) != 4 || source == "" {
			t.Fatalf("%s: no status, not four fields, or no source before it", line)
		}
		all = append(all, listedRefusal{source, status, fields[1], fields[2], fields[3]})
	}
	return all
}

// TestEveryListedRefusalWasJudged compares what the driver takes each refusal for that the
// vendor lists, or users have seen, with what somebody has written beside it.
func TestEveryListedRefusalWasJudged(t *testing.T) {
	t.Parallel()
	all := listedRefusals(t)
	if len(all) < 50 {
		t.Fatalf("only %d are listed", len(all))
	}
	write := call{body: struct{}{}}
	detach := call{body: struct{}{}, detach: true}
	for _, l := range all {
		r := classify(l.status, l.word, l.text)
		got := strings.Join([]string{r.kind(call{}).String(), r.kind(write).String(), r.kind(detach).String()}, " ")
		if got != l.kinds {
			t.Errorf("%s: %d %s %s: %s, judged to be %s", l.source, l.status, l.word, l.text, got, l.kinds)
		}
		if l.status < 500 && l.status != 499 && r.kind(write) == providers.Ambiguous {
			t.Errorf("%s: %d %s says nothing of what happened, though the cloud refused", l.source, l.status, l.word)
		}
	}
}

// TestTheDriverNamesNoWordThatNobodyLists: a rule for what no cloud says hides what one does.
func TestTheDriverNamesNoWordThatNobodyLists(t *testing.T) {
	t.Parallel()
	all := listedRefusals(t)
	for _, r := range rules {
		if r.code == "" || r.code == "*" {
			continue
		}
		fits := false
		for _, l := range all {
			fits = fits || r.fits(l.status, l.word, strings.ToLower(l.text))
		}
		if !fits {
			t.Errorf("the rule for %d %s %q fits nothing that is listed", r.status, r.code, r.text)
		}
	}
}
