// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Users are those who may own and change what the daemon relies on: root and its own
// user. The zero Users is root and the user of this process.
//
// The group of root is root. The group with the number of the daemon's user is that user
// where it is also the group that the daemon runs with: Kubernetes hands out secrets by
// such a group (fsGroup), and where user and group have one number nobody else is in it.
type Users struct {
	more   []uint32 // besides these
	groups []uint32 // besides those of root and of this process
	guess  bool     // the daemon's user cannot be told: any owner may be it
	here   *Users   // if these are not those of the daemon that seems to run here already
}

// Daemon returns root and the user as whom the daemon runs: the owner of its state folder,
// and the user of this process, which may be it. Without that folder it cannot be told
// yet, and then any owner may be it.
func Daemon(stateDir string) Users {
	info, err := os.Stat(stateDir)
	if err != nil {
		return Users{guess: true}
	}
	owner, group := owners(info)
	u := Users{more: []uint32{owner}}
	if owner == group {
		u.groups = []uint32{group}
	}
	return u
}

// Process returns root and the user of this process, which is the daemon. The owner of the
// state folder, if it is another, is not trusted, since what runs as root may rely on root
// alone; but what is right for that owner is told as that, and no remedy takes it from it.
func Process(stateDir string) Users {
	here := Daemon(stateDir)
	if here.guess || (Users{}).owns(here.more[0]) {
		return Users{}
	}
	return Users{here: &here}
}

// Guessed reports whether a file's owner was taken for the daemon's user only because
// that cannot be told.
func (u Users) Guessed(owner uint32) bool {
	return u.guess && !slices.Contains(u.ids(), owner)
}

// ids returns the users, root first.
func (u Users) ids() []uint32 { return append([]uint32{0, uint32(os.Geteuid())}, u.more...) }

// owns reports whether the owner is one of the users.
func (u Users) owns(id uint32) bool { return u.guess || slices.Contains(u.ids(), id) }

// has reports whether a group is no other than one of the users.
func (u Users) has(group uint32) bool {
	own := uint32(os.Getegid())
	return group == 0 || slices.Contains(u.groups, group) || group == own && own == uint32(os.Geteuid())
}

// String lists the users by name: "root or fipctl".
func (u Users) String() string {
	var names []string
	for _, id := range u.ids() {
		if name := Name(id); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if u.guess {
		names = append(names, "the daemon's user")
	}
	return strings.Join(names, " or ")
}

// heir returns to whom a file that belongs to others is to be given.
func (u Users) heir() string {
	ids := u.ids()
	return strings.TrimPrefix(Name(ids[len(ids)-1]), "uid ")
}

// Name returns a user's name, or its number if it has none here.
func Name(id uint32) string {
	number := strconv.FormatUint(uint64(id), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return "uid " + number
}

// Sudo returns a user as sudo takes it.
func Sudo(id uint32) string {
	if number, nameless := strings.CutPrefix(Name(id), "uid "); nameless {
		return "'#" + number + "'"
	}
	return Name(id)
}

// owners returns the user and the group of a file.
func owners(info fs.FileInfo) (uid, gid uint32) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Uid, s.Gid
	}
	return 0, 0 // no file of this machine
}
