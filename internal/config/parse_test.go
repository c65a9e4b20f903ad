// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHostileYAMLIsRefusedCheaply(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for i := 'b'; i < 'j'; i++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	staircase := ""
	for i := range 500 {
		staircase += strings.Repeat(" ", i) + "a:\n"
	}
	tests := []struct{ name, text, want string }{
		{"aliases that multiply", bomb, "1: anchors are not supported; write the value where it is needed"},
		{"brackets without end", strings.Repeat("[", 4000), "1: nests deeper than 32 levels; no setting needs that"},
		{"braces without end", strings.Repeat("{a: ", 1000), "1: nests deeper than 32 levels; no setting needs that"},
		{"brackets over many lines", "a: " + strings.Repeat("[\n", 10_000), "33: nests deeper than 32 levels; no setting needs that"},
		{"lists in lists", strings.Repeat("- ", 2000), "1: nests deeper than 32 levels; no setting needs that"},
		{"a staircase", staircase, "1: a: unknown key; use "},
		{"a line without end", "a: " + strings.Repeat("x", 5000), "1: the line has 5003 bytes, allowed are 4096; break it"},
		{"a file that is too large", strings.Repeat("# x\n", 1<<18+1), "1: is larger than 1 MiB; this is hardly a configuration of fipctl, look at --config"},
		{"too many values", strings.Repeat("a: b\n", 50_000), "33334: the file has too many values for a configuration of fipctl; look at --config"},
		{"zero bytes", "a: \x00\n", "1: the line is not UTF-8 text; save the file as UTF-8"},
		{"Latin-1", "a: b\nc: \xe9t\xe9\n", "2: the line is not UTF-8 text; save the file as UTF-8"},
		{"UTF-16", "\xff\xfea\x00:\x00", "1: the line is not UTF-8 text; save the file as UTF-8"},
		{"a directive", "%YAML 1.1\n---\n" + good, "1: directives are not supported; remove the line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			first, _, _ := strings.Cut(problemsOf(machine(tt.text).options()), "\n")
			if !strings.HasPrefix(first, tt.want) {
				t.Errorf("got  %s\nwant %s", first, tt.want)
			}
		})
	}
}

func TestAFileWithMarksAndWindowsLineEndsIsRead(t *testing.T) {
	t.Parallel()
	load(t, "---\n"+good+"...\n")
	load(t, strings.ReplaceAll(good, "\n", "\r\n"))
	load(t, "\ufeff"+good)
}

// FuzzLoad: whatever the file says, Load explains it or returns something whose
// effective file loads again to the same.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	f.Add(Reference())
	f.Add([]byte(minimal))
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil {
			f.Add(text)
		}
	}
	for _, table := range [][]badCase{badYAML, badNodes, badGroups, badChecks} {
		for _, c := range table {
			if len(c.edit) == 2 {
				f.Add([]byte(strings.Replace(good, c.edit[0], c.edit[1], 1)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o := machine(string(text)).options()
		o.AnyNode, o.SkipFiles = true, true
		c, err := Load(path, o)
		if err != nil {
			for _, p := range err.(Problems) {
				if p.Text == "" || strings.ContainsAny(p.String(), "\n\x00\x1b") || p.Line < 1 {
					t.Errorf("problem %+q", p.String())
				}
			}
			return
		}
		effective := Effective(c)
		again := machine(string(effective)).options()
		again.AnyNode, again.SkipFiles = true, true
		c2, err := Load(path, again)
		if err != nil {
			t.Fatalf("load effective file: %v\n%s", err, effective)
		}
		if !bytes.Equal(effective, Effective(c2)) {
			t.Errorf("the effective file changes when it is loaded:\n%s\n%s", effective, Effective(c2))
		}
	})
}
