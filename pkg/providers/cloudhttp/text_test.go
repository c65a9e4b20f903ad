// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"strings"
	"testing"
)

func TestAServersTextFitsOneLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                             "",
		" not found\n":                 "not found",
		"a\x1b[2Jb\r\nc\u200bd":        "a [2Jb  c d",
		"资源不存在":                        "资源不存在",
		"\xff":                         "\ufffd",
		strings.Repeat("界", TextMax):   strings.Repeat("界", TextMax),
		strings.Repeat("x", TextMax+1): strings.Repeat("x", TextMax) + "...",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got, want := Quote("<html>\n\"x\""), `"<html> \"x\""`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
