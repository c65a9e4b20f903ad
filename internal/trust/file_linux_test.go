// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Not parallel: it acts between the look and the use, where nobody but the daemon's user
// could.
func TestWhatIsOpenedIsLookedAtAgain(t *testing.T) {
	t.Cleanup(func() { looked = nil })
	for name, tc := range map[string]struct {
		act  func(at string) error
		want string
	}{
		"another mode": {func(at string) error { return os.Chmod(at, 0o644) }, " is open to others"},
		"an access list": {func(at string) error {
			return errors.Join(os.Chmod(at, 0o640), setList(at))
		}, "setfacl -b "},
		"a folder": {func(at string) error { return errors.Join(os.Remove(at), os.Mkdir(at, 0o700)) }, " is no regular file any more; try again"},
		"a pipe":   {func(at string) error { return errors.Join(os.Remove(at), syscall.Mkfifo(at, 0o600)) }, " is no regular file any more; try again"},
		"a link": {func(at string) error {
			return errors.Join(os.Rename(at, at+".real"), os.Symlink(at+".real", at))
		}, ""},
	} {
		path := filepath.Join(t.TempDir(), "key")
		put(t, path, "hush", 0o600)
		looked = func(at string) {
			if err := tc.act(at); err != nil {
				t.Skipf("%s: %v", name, err)
			}
		}
		_, err := Users{}.ReadSecret(path, 9)
		if tc.want != "" {
			expect(t, name, err, tc.want)
		} else if !errors.Is(err, syscall.ELOOP) {
			t.Errorf("%s: %v, want that it is not followed", name, err)
		}
	}
}

// setList gives a file an access list by which a stranger reads it.
func setList(path string) error {
	var raw []byte
	raw = binary.LittleEndian.AppendUint32(raw, listVersion)
	none := ^uint32(0)
	for _, e := range []accessEntry{{1, 6, none}, {tagUser, 4, stranger}, {tagGroupOf, 0, none}, {0x10, 4, none}, {0x20, 0, none}} {
		raw = binary.LittleEndian.AppendUint16(raw, e.tag)
		raw = binary.LittleEndian.AppendUint16(raw, e.perm)
		raw = binary.LittleEndian.AppendUint32(raw, e.id)
	}
	return syscall.Setxattr(path, "system.posix_acl_access", raw, 0)
}
