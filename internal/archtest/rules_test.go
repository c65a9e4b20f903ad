// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rule is one claim about the repository.
type rule struct {
	claim   string
	because string
	check   func(*tree) []string // the problems found, each with its place
	broken  map[string]string    // a small repository that breaks the rule ...
	problem string               // ... and what the check must say about it, alone
}

func rules() []rule {
	return slices.Concat(importRules(), layoutRules(), commentRules(), codeRules(), wordRules(), documentRules(), kindRules())
}

func TestTheRepositoryKeepsEveryRule(t *testing.T) {
	t.Parallel()
	tr := checkout(t)
	for _, r := range rules() {
		t.Run(r.claim, func(t *testing.T) {
			t.Parallel()
			if problems := r.check(tr); len(problems) > 0 {
				t.Errorf("%s\nThe rule: %s, because %s.", strings.Join(problems, "\n"), r.claim, r.because)
			}
		})
	}
}

func TestEveryRuleCatchesItsCounterExample(t *testing.T) {
	t.Parallel()
	for _, r := range rules() {
		t.Run(r.claim, func(t *testing.T) {
			t.Parallel()
			if r.because == "" || r.problem == "" {
				t.Fatal("the rule has no reason or no counter-example")
			}
			got := r.check(newTree(t, r.broken))
			if diff := cmp.Diff([]string{r.problem}, got); diff != "" {
				t.Errorf("problems found in the counter-example (-want +got):\n%s", diff)
			}
		})
	}
}
