// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"os"

	"golang.org/x/sys/unix"
)

// listMax bounds an access list, in bytes: some 500 entries.
const listMax = 4 << 10

const listName = "system.posix_acl_access"

// listOf reads the access list of what is at a path, which is not followed.
func listOf(path string) accessList {
	raw := make([]byte, listMax)
	n, err := unix.Lgetxattr(path, listName, raw)
	if err != nil {
		return nil // none, or a file system without
	}
	return parseList(raw[:n])
}

// listOfFile reads the access list of an opened file.
func listOfFile(f *os.File) accessList {
	raw := make([]byte, listMax)
	c, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	n := 0
	if controlErr := c.Control(func(fd uintptr) { n, err = unix.Fgetxattr(int(fd), listName, raw) }); controlErr != nil || err != nil {
		return nil // none, or a file system without
	}
	return parseList(raw[:n])
}
