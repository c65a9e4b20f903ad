// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"encoding/binary"
	"io/fs"
	"slices"
	"strings"
)

// What may be done with a file, in the bits of a mode.
const (
	mayRead  = 4
	mayWrite = 2
)

// accessList is a file's POSIX access list; nil: it has none, and its mode says all.
// Where there is one, the group's bits of the mode are only the bound of its entries:
// a file that systemd hands to a service has the mode 0440, which stands for that
// service's user alone.
type accessList []accessEntry

type accessEntry struct {
	tag, perm uint16
	id        uint32
}

// The tags of entries that matter here, and the form of the attribute: posix_acl_xattr.h
// of Linux, a version and entries of eight bytes, little endian.
const (
	tagUser    = 0x02
	tagGroupOf = 0x04 // the file's group
	tagGroup   = 0x08

	listVersion = 2
	entrySize   = 8
)

// parseList reads the attribute. What cannot be read grants nothing that the mode does
// not bound.
func parseList(raw []byte) accessList {
	if len(raw) < 4 || binary.LittleEndian.Uint32(raw) != listVersion {
		return nil
	}
	list := accessList{}
	for raw = raw[4:]; len(raw) >= entrySize; raw = raw[entrySize:] {
		list = append(list, accessEntry{
			tag: binary.LittleEndian.Uint16(raw), perm: binary.LittleEndian.Uint16(raw[2:]), id: binary.LittleEndian.Uint32(raw[4:]),
		})
	}
	return list
}

// others returns what other users than u may do with a file: read, write, both or
// nothing.
func (l accessList) others(u Users, info fs.FileInfo) uint16 {
	_, group := owners(info)
	mode := uint16(info.Mode().Perm())
	open := mode & 7
	if l == nil {
		if !u.has(group) {
			open |= mode >> 3 & 7
		}
		return open & (mayRead | mayWrite)
	}
	bound := mode >> 3 & 7 // the mask
	for _, e := range l {
		switch {
		case e.tag == tagUser && !slices.Contains(u.ids(), e.id),
			e.tag == tagGroup && !u.has(e.id),
			e.tag == tagGroupOf && !u.has(group):
			open |= e.perm & bound
		}
	}
	return open & (mayRead | mayWrite)
}

// mend returns the command that takes a file out of the hands of others by a mode.
func (l accessList) mend(mode, path string) string {
	return l.clear(path) + "chmod " + mode + " " + path
}

// keep returns the command that leaves a secret to the daemon's user alone. Where that is
// not the owner, taking away the rights of others could take away the daemon's.
func (l accessList) keep(u Users, owner uint32, path string) string {
	if u.guess {
		return "with the daemon's user for USER: " + l.clear(path) + "chown USER " + path + " && chmod 400 " + path
	}
	if heir := u.heir(); heir != strings.TrimPrefix(Name(owner), "uid ") {
		return l.clear(path) + "chown " + heir + " " + path + " && chmod 400 " + path
	}
	return l.mend("600", path)
}

// clear returns the command that removes the list, if there is one.
func (l accessList) clear(path string) string {
	if l == nil {
		return ""
	}
	return "setfacl -b " + path + " && "
}
