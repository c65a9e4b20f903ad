// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"fmt"
	"io/fs"
	"os"
)

// Error says that a file, or a folder or link on the way to it, is in other hands than
// it must be, or is no file that can be read. Its text is whole: the path, who has it,
// what is allowed and the command that mends it.
type Error struct{ Text string }

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// A step is a folder, a link or a file on the way to a file that is relied on.
type step struct {
	at, path string // where it is, and where the way leads
	info     fs.FileInfo
	list     accessList
	private  bool // nobody else may read the file
}

// problem returns what is wrong with a step, or nil.
func (u Users) problem(s step) error {
	err := u.wrong(s)
	if err == nil || u.here == nil {
		return err
	}
	if err := u.here.wrong(s); err != nil {
		return err
	}
	owner, _ := owners(s.info)
	user := u.here.more[0]
	return because("%s %v is right for %s, who owns the state folder and as whom the daemon seems to run here, and this process runs as %s; run it as that user: sudo -u %s fipctl run",
		s.at, state{owner, s.info.Mode().Perm()}, Name(user), Name(uint32(os.Geteuid())), Sudo(user))
}

func (u Users) wrong(s step) error {
	owner, _ := owners(s.info)
	folder, link := s.info.IsDir(), s.info.Mode().Type() == fs.ModeSymlink
	open := s.list.others(u, s.info)
	is := state{owner, s.info.Mode().Perm()}
	switch {
	case !u.owns(owner) && folder:
		return because("the folder %s is in other hands %s, which could put another file in the place of %s; allowed is %s; move the file, such as to /etc/fipctl, or run: chown root %s",
			s.at, is, s.path, u, s.at)
	case !u.owns(owner):
		return because("%s is in other hands %s, allowed is %s; run: chown %s%s %s", s.at, is, u, pick(link, "-h ", ""), pick(s.private, u.heir(), "root"), s.at)
	case link, folder && s.info.Mode()&fs.ModeSticky != 0:
		return nil // of a link only its owner counts; what is in a sticky folder is its owner's alone
	case folder && open&mayWrite != 0:
		return because("the folder %s is open to others %s, who could put another file in the place of %s; allowed to write is %s; run: %s",
			s.at, is, s.path, u, s.list.mend("go-w", s.at))
	case folder:
		return nil
	case s.private && open != 0:
		return because("%s is open to others %s, allowed is its owner alone; run: %s", s.at, is, s.list.keep(u, owner, s.at))
	case open&mayWrite != 0:
		return because("%s can be changed by others %s, allowed to write is %s; run: %s", s.at, is, u, s.list.mend("go-w", s.at))
	}
	return nil
}

// state is who has a file, and with what mode. Only a problem looks the name up.
type state struct {
	owner uint32
	mode  fs.FileMode
}

func (s state) String() string { return fmt.Sprintf("(owner %s, mode %04o)", Name(s.owner), s.mode) }

func because(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}
