// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// put makes a file with exactly this mode.
func put(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

// folder makes a folder with exactly this mode, which lets itself be removed at the end.
func folder(t *testing.T, path string, mode fs.FileMode) string {
	t.Helper()
	if err := errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func TestASecretIsReadOverLinksAndWithinItsBound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(folder(t, filepath.Join(dir, "..2026"), 0o755), "key"), "hush", 0o400)
	link(t, "..2026", filepath.Join(dir, "..data")) // as Kubernetes delivers secrets
	link(t, "..data/key", filepath.Join(dir, "key"))
	link(t, ".."+"/"+filepath.Base(dir)+"/key", filepath.Join(dir, "round"))
	for _, name := range []string{"..2026/key", "..data/key", "key", "round"} {
		got, err := (Users{}).ReadSecret(filepath.Join(dir, name), 4)
		if err != nil || string(got.Text) != "hush" || got.Owner != uint32(os.Geteuid()) {
			t.Errorf("%s: got %q of %d, %v", name, got.Text, got.Owner, err)
		}
	}
	_, err := (Users{}).ReadSecret(filepath.Join(dir, "key"), 3)
	if want := filepath.Join(dir, "key") + " has more than 3 bytes; is it another file?"; err == nil || err.Error() != want {
		t.Errorf("longer than allowed: got %v, want %s", err, want)
	}
	link(t, "loop", filepath.Join(dir, "loop"))
	if _, err := (Users{}).ReadSecret(filepath.Join(dir, "loop"), 9); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link to itself: %v", err)
	}
	if _, err := (Users{}).ReadSecret(filepath.Join(dir, "none"), 9); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestWhatIsNoFileIsRefusedWithoutWaiting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder(t, filepath.Join(dir, "folder"), 0o777) // a remedy for its mode would help nobody
	link(t, "/dev/null", filepath.Join(dir, "device"))
	for name, kind := range map[string]string{"pipe": "a pipe", "folder": "a folder", "device": "a device"} {
		path := filepath.Join(dir, name)
		_, err := (Users{}).ReadSecret(path, 9)
		if want := path + " is no regular file, but " + kind + "; write the text itself into a file there"; err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

func TestADeviceIsNoProgramWhateverItsMode(t *testing.T) {
	t.Parallel()
	expect(t, "/dev/null", Users{}.Fixed("/dev/null"), "/dev/null is no regular file, but a device")
}

func TestAPathLeadsOverFortyLinksAtMost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "0"), "hush", 0o600)
	for i := range 41 {
		link(t, strconv.Itoa(i), filepath.Join(dir, strconv.Itoa(i+1)))
	}
	if _, err := (Users{}).ReadSecret(filepath.Join(dir, "40"), 9); err != nil {
		t.Errorf("40 links: %v", err)
	}
	if _, err := (Users{}).ReadSecret(filepath.Join(dir, "41"), 9); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("41 links: %v, want that they are too many", err)
	}
}

// TestTheRootIsLookedAt gives the root as the secret, which no test can put in other hands.
func TestTheRootIsLookedAt(t *testing.T) {
	t.Parallel()
	_, err := Users{}.ReadSecret("/", 9)
	expect(t, "the root", err, "/ is no regular file, but a folder")
}

func TestTheWayToAFileIsLookedAt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := folder(t, filepath.Join(dir, "open"), 0o777)
	deep := folder(t, filepath.Join(open, "deep"), 0o755)
	sticky := folder(t, filepath.Join(dir, "sticky"), 0o777|fs.ModeSticky)
	for _, d := range []string{open, deep, sticky, dir} {
		put(t, filepath.Join(d, "key"), "hush", 0o600)
	}
	put(t, filepath.Join(dir, "readable"), "hush", 0o644)
	link(t, filepath.Join(open, "key"), filepath.Join(dir, "there"))
	link(t, "open/.."+"/key", filepath.Join(dir, "through"))
	said := "the folder " + open + " is open to others"
	for _, tc := range []struct{ path, secret, fixed string }{
		{filepath.Join(dir, "key"), "", ""},
		{filepath.Join(sticky, "key"), "", ""},
		{filepath.Join(open, "key"), said, said},
		{filepath.Join(deep, "key"), said, said},
		{filepath.Join(dir, "there"), said, said},
		{filepath.Join(dir, "through"), said, said}, // who may rename the folder decides where ".." leads
		{filepath.Join(dir, "readable"), "is open to others", ""},
	} {
		_, err := (Users{}).ReadSecret(tc.path, 9)
		expect(t, "read "+tc.path, err, tc.secret)
		expect(t, "look at "+tc.path, (Users{}).Fixed(tc.path), tc.fixed)
	}
}

func expect(t *testing.T, what string, err error, want string) {
	t.Helper()
	var is *Error
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case want != "" && (!errors.As(err, &is) || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: got %v, want an *Error that says %q", what, err, want)
	}
}
