// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Not parallel: it changes PATH and the folder.
func TestAProgramIsFoundInGoodHandsOnly(t *testing.T) {
	dir := t.TempDir()
	first, open, last := folder(t, filepath.Join(dir, "first"), 0o755), folder(t, filepath.Join(dir, "open"), 0o777), folder(t, filepath.Join(dir, "last"), 0o755)
	put(t, filepath.Join(first, "early"), "", 0o755)
	put(t, filepath.Join(first, "late"), "", 0o644) // nobody may run it
	folder(t, filepath.Join(first, "check"), 0o755)
	put(t, filepath.Join(last, "late"), "", 0o755)
	put(t, filepath.Join(last, "check"), "", 0o755)
	said := "the folder " + open + " is open to others"
	for _, tc := range []struct {
		path       []string
		name, file string
		want       string
	}{
		{[]string{first, open, last}, "early", filepath.Join(first, "early"), ""},
		{[]string{first, open, last}, "late", "", said}, // which others could put before it
		{[]string{first, open}, "none", "", said},
		{[]string{first, last}, "late", filepath.Join(last, "late"), ""},
		{[]string{first, last}, "check", filepath.Join(last, "check"), ""},
		{[]string{"", ".", filepath.Join(dir, "gone"), last}, "late", filepath.Join(last, "late"), ""},
		{nil, filepath.Join(last, "late"), filepath.Join(last, "late"), ""},
		{nil, filepath.Join(open, "none"), filepath.Join(open, "none"), said},
	} {
		t.Setenv("PATH", strings.Join(tc.path, string(os.PathListSeparator)))
		file, err := Users{}.Program(tc.name)
		expect(t, tc.name, err, tc.want)
		if file != tc.file {
			t.Errorf("%s: found %q, want %q", tc.name, file, tc.file)
		}
	}
	t.Setenv("PATH", "last") // where one happens to be does not count
	t.Chdir(dir)
	for _, name := range []string{"late", filepath.Join(first, "none")} {
		if _, err := (Users{}).Program(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want that it is not there", name, err)
		}
	}
}
