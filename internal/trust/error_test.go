// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// node is a file that belongs to whom a test says.
type node struct {
	mode     fs.FileMode
	uid, gid uint32
}

func (n node) Name() string       { return "x" }
func (n node) Size() int64        { return 0 }
func (n node) Mode() fs.FileMode  { return n.mode }
func (n node) ModTime() time.Time { return time.Time{} }
func (n node) IsDir() bool        { return n.mode.IsDir() }
func (n node) Sys() any           { return &syscall.Stat_t{Uid: n.uid, Gid: n.gid} }

// Users that no machine has a name for.
const (
	daemonUser = 4000000001
	stranger   = 4000000002
)

func TestAFileIsReliedOnInTheRightHandsOnly(t *testing.T) {
	t.Parallel()
	const secret, program, both = 1, 2, 3
	trusted := Users{}.String() // root, and who runs the test
	list := func(entries ...accessEntry) accessList { return append(accessList{}, entries...) }
	for _, tc := range []struct {
		name string
		node
		list accessList
		as   int // what the file is
		want string
	}{
		{name: "of root", node: node{0o600, 0, 0}, as: both},
		{name: "of the daemon's user", node: node{0o400, daemonUser, daemonUser}, as: both},
		{name: "readable by the group of root", node: node{0o640, 0, 0}, as: both},
		{name: "writable by the group of root, as a build with umask 002 leaves it", node: node{0o770, 0, 0}, as: both},
		{name: "a program that everybody may run", node: node{0o755, 0, 5}, as: program},
		{name: "a secret that everybody may run and not read", node: node{0o711, 0, 5}, as: secret},
		{name: "of a stranger", node: node{0o600, stranger, 0}, as: both,
			want: "/d/f is in other hands (owner uid 4000000002, mode 0600), allowed is root or uid 4000000001; run: chown 4000000001 /d/f"},
		{name: "a secret that a group reads", node: node{0o640, 0, 5}, as: secret,
			want: "/d/f is open to others (owner root, mode 0640), allowed is its owner alone; run: chown 4000000001 /d/f && chmod 400 /d/f"},
		{name: "a secret of the daemon's user that a group reads", node: node{0o640, daemonUser, 5}, as: secret,
			want: "/d/f is open to others (owner uid 4000000001, mode 0640), allowed is its owner alone; run: chmod 600 /d/f"},
		{name: "of the group that is the daemon's user alone, as Kubernetes hands out secrets", node: node{0o660, 0, daemonUser}, as: both},
		{name: "handed to that group by an access list", node: node{0o660, 0, daemonUser},
			list: list(accessEntry{tagGroupOf, 6, 0}, accessEntry{tagGroup, 6, daemonUser}), as: both},
		{name: "handed to the group of root by an access list", node: node{0o660, 0, 5},
			list: list(accessEntry{tagGroup, 6, 0}), as: both},
		{name: "of a group that its own part of an access list lets write", node: node{0o660, 0, 5},
			list: list(accessEntry{tagGroupOf, 6, 0}), as: program,
			want: "/d/f can be changed by others (owner root, mode 0660), allowed to write is root or uid 4000000001; run: setfacl -b /d/f && chmod go-w /d/f"},
		{name: "of the group of root, by its own part of an access list", node: node{0o660, 0, 0},
			list: list(accessEntry{tagGroupOf, 6, 0}), as: both},
		{name: "a secret that others write and do not read", node: node{0o602, 0, 0}, as: secret,
			want: "/d/f is open to others (owner root, mode 0602), allowed is its owner alone; run: chown 4000000001 /d/f && chmod 400 /d/f"},
		{name: "a program that a group writes", node: node{0o775, 0, 5}, as: program,
			want: "/d/f can be changed by others (owner root, mode 0775), allowed to write is root or uid 4000000001; run: chmod go-w /d/f"},
		{name: "a program that others write", node: node{0o757, daemonUser, 0}, as: program,
			want: "/d/f can be changed by others (owner uid 4000000001, mode 0757), allowed to write is root or uid 4000000001; run: chmod go-w /d/f"},
		{name: "handed to the daemon's user by an access list, as systemd does", node: node{0o440, 0, 0},
			list: list(accessEntry{tagUser, 4, daemonUser}, accessEntry{tagUser, 4, 0}), as: both},
		{name: "handed to a stranger by an access list", node: node{0o440, 0, 0},
			list: list(accessEntry{tagUser, 4, stranger}), as: secret,
			want: "/d/f is open to others (owner root, mode 0440), allowed is its owner alone; run: setfacl -b /d/f && chown 4000000001 /d/f && chmod 400 /d/f"},
		{name: "handed to a stranger by an access list that is bounded", node: node{0o400, 0, 0},
			list: list(accessEntry{tagUser, 6, stranger}), as: both},
		{name: "handed to a group by an access list", node: node{0o660, 0, 0},
			list: list(accessEntry{tagGroup, 6, 5}), as: program,
			want: "/d/f can be changed by others (owner root, mode 0660), allowed to write is root or uid 4000000001; run: setfacl -b /d/f && chmod go-w /d/f"},
		{name: "of a group whose part of the list is nothing", node: node{0o640, 0, 5},
			list: list(accessEntry{tagUser, 4, daemonUser}, accessEntry{tagGroupOf, 0, 0}), as: both},
		{name: "in a folder that others read", node: node{fs.ModeDir | 0o755, 0, 5}, as: both},
		{name: "in a sticky folder", node: node{fs.ModeDir | fs.ModeSticky | 0o777, 0, 0}, as: both},
		{name: "in a folder that a group writes", node: node{fs.ModeDir | 0o775, 0, 5}, as: both,
			want: "the folder /d/f is open to others (owner root, mode 0775), who could put another file in the place of /d/f/g; allowed to write is root or uid 4000000001; run: chmod go-w /d/f"},
		{name: "in a stranger's folder, sticky or not", node: node{fs.ModeDir | fs.ModeSticky | 0o755, stranger, 0}, as: both,
			want: "the folder /d/f is in other hands (owner uid 4000000002, mode 0755), which could put another file in the place of /d/f/g; " +
				"allowed is root or uid 4000000001; move the file, such as to /etc/fipctl, or run: chown root /d/f"},
		{name: "over a link", node: node{fs.ModeSymlink | 0o777, 0, 0}, as: both},
		{name: "over a stranger's link", node: node{fs.ModeSymlink | 0o777, stranger, 0}, as: both,
			want: "/d/f is in other hands (owner uid 4000000002, mode 0777), allowed is root or uid 4000000001; run: chown -h 4000000001 /d/f"},
	} {
		for _, as := range []int{secret, program} {
			if tc.as&as == 0 {
				continue
			}
			path := "/d/f"
			if tc.mode.IsDir() {
				path = "/d/f/g"
			}
			want := strings.ReplaceAll(tc.want, "root or uid", trusted+" or uid")
			if as == program {
				want = strings.ReplaceAll(want, "4000000001 /d/f", "root /d/f") // the daemon need not change it
			}
			got := ""
			if err := (Users{more: []uint32{daemonUser}, groups: []uint32{daemonUser}}).problem(step{"/d/f", path, tc.node, tc.list, as == secret}); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%s (private %t):\n got %s\nwant %s", tc.name, as == secret, got, want)
			}
		}
	}
}

func TestAnAccessListIsReadAsTheKernelGivesIt(t *testing.T) {
	t.Parallel()
	raw := []byte{2, 0, 0, 0, // version
		1, 0, 6, 0, 255, 255, 255, 255, // the owner
		2, 0, 4, 0, 0xe8, 3, 0, 0, // user 1000
		4, 0, 0, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255}
	list := parseList(raw)
	if len(list) != 5 || list[1] != (accessEntry{tagUser, 4, 1000}) {
		t.Errorf("got %v", list)
	}
	for _, bad := range [][]byte{nil, {2}, {3, 0, 0, 0}} {
		if got := parseList(bad); got != nil {
			t.Errorf("%v: got %v, want that there is none", bad, got)
		}
	}
}

func TestWhoTheDaemonIsMayBeUnknown(t *testing.T) {
	t.Parallel()
	unknown := Daemon("/nonexistent/state")
	file := step{"/f", "/f", node{0o600, stranger, 0}, nil, true}
	if err := unknown.problem(file); err != nil || !unknown.Guessed(stranger) || unknown.Guessed(0) {
		t.Errorf("without a state folder: %v, guessed %t and %t", err, unknown.Guessed(stranger), unknown.Guessed(0))
	}
	shared := step{"/f", "/f", node{0o640, 0, 5}, nil, true}
	expect(t, "without a state folder", unknown.problem(shared), "run: with the daemon's user for USER: chown USER /f && chmod 400 /f")
	known := Daemon(t.TempDir())
	if err := known.problem(file); err == nil || known.Guessed(stranger) {
		t.Errorf("with a state folder of this user: %v, guessed %t", err, known.Guessed(stranger))
	}
	if err := (Users{}).problem(step{"/f", "/f", node{0o600, 0, 0}, nil, true}); err != nil {
		t.Errorf("root alone: %v", err)
	}
}

// TestAGroupIsTheDaemonsUserOnlyWithItsNumber: with another number others may be in it.
func TestAGroupIsTheDaemonsUserOnlyWithItsNumber(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		user, group int // of the state folder
		want        bool
	}{{daemonUser, daemonUser, true}, {daemonUser, stranger, false}} {
		u := Daemon(owned(t, tc.user, tc.group))
		if got := u.has(uint32(tc.group)); got != tc.want || u.has(5) || !u.has(0) {
			t.Errorf("%d:%d: the group counts as the user: %t, want %t; group 5 %t, group 0 %t", tc.user, tc.group, got, tc.want, u.has(5), u.has(0))
		}
	}
}

// owned makes a state folder of a user and a group, which takes root.
func owned(t *testing.T, user, group int) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chown(dir, user, group); err != nil {
		t.Skipf("only root gives folders away: %v", err)
	}
	return dir
}

// TestWhatIsRightForTheDaemonThatRunsHereIsNotTakenFromIt is about a second daemon by
// another user, which is root where these tests can make such a folder.
func TestWhatIsRightForTheDaemonThatRunsHereIsNotTakenFromIt(t *testing.T) {
	t.Parallel()
	dir := owned(t, daemonUser, daemonUser)
	u := Process(dir)
	said := "is right for uid 4000000001, who owns the state folder and as whom the daemon seems to run here, and this process runs as root; " +
		"run it as that user: sudo -u '#4000000001' fipctl run"
	for _, n := range []node{{0o600, daemonUser, 0}, {0o440, 0, daemonUser}} {
		expect(t, "a secret", u.problem(step{"/f", "/f", n, nil, true}), said)
	}
	expect(t, "a secret of nobody's", u.problem(step{"/f", "/f", node{0o640, 0, 5}, nil, true}), "run: chown 4000000001 /f && chmod 400 /f")
	expect(t, "a secret of root", u.problem(step{"/f", "/f", node{0o600, 0, 0}, nil, true}), "")
	for _, own := range []string{t.TempDir(), "/nonexistent/state"} {
		if got := Process(own); got.here != nil || got.guess {
			t.Errorf("%s: %+v, want root and this process", own, got)
		}
	}
}
