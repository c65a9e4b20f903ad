// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     []string
	}{
		{"blanks separate", "  /bin/check  -v\tx ", []string{"/bin/check", "-v", "x"}},
		{"quotes keep blanks", `check 'a b' "c d"`, []string{"check", "a b", "c d"}},
		{"quotes inside a word join it", `check --name='a b'"c"d`, []string{"check", "--name=a bcd"}},
		{"empty quotes are an argument", `check '' ""`, []string{"check", "", ""}},
		{"a backslash protects one character", `check a\ b \| \'`, []string{"check", "a b", "|", "'"}},
		{"a backslash in double quotes protects quote and itself only", `check "a\"b\\c\d"`, []string{"check", `a"b\c\d`}},
		{"a backslash in single quotes is literal", `check 'a\b'`, []string{"check", `a\b`}},
		{"quoted shell characters are literal", `sh -c 'a | b > $c'`, []string{"sh", "-c", "a | b > $c"}},
		{"placeholders and globs pass", `check {anchor} *`, []string{"check", "{anchor}", "*"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Split(tt.in)
			if err != nil {
				t.Fatalf("Split(%q): %v", tt.in, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"a pipe", "a | b", `"a | b" needs a shell for '|', and none is used; quote it, or write [/bin/sh, -c, '...']`},
		{"a variable", "a $HOME", `"a $HOME" needs a shell for '$', and none is used; quote it, or write [/bin/sh, -c, '...']`},
		{"an open quote", "a 'b", `"a 'b" has a ' without its partner; close it`},
		{"a last backslash", `a \`, `"a \\" ends in a backslash; remove or double it`},
		{"nothing", "  ", `"  " names no program; write a path and its arguments`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Split(tt.in)
			if err == nil {
				t.Fatalf("Split(%q) = %q, want an error", tt.in, got)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}
