// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// userRemedy says what running as another user takes, as the end of a sentence.
const userRemedy = "the daemon needs CAP_SETUID and CAP_SETGID; " +
	"give its unit both in CapabilityBoundingSet and AmbientCapabilities, and SystemCallFilter=@setuid setfsuid, or leave user out"

// credentialOf returns what a process of the user has, and his home; nil and "" if this
// process is of that user already. A user that cannot be found, and root, are inconclusive.
func credentialOf(name string) (as *syscall.Credential, home string, err error) {
	u, err := lookUp(name)
	if err != nil {
		return nil, "", inconclusiveError{err, "create the user, or correct the check's user"}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	switch {
	case err == nil && int(uid) == os.Geteuid():
		return nil, "", nil
	case err == nil && uid == 0:
		return nil, "", errRoot
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, "", inconclusiveError{fmt.Errorf("find the groups of user %s: %w", name, err), "mend the database of users"}
	}
	as = &syscall.Credential{Uid: uint32(uid)}
	for _, g := range groups {
		if id, err := strconv.ParseUint(g, 10, 32); err == nil {
			as.Groups = append(as.Groups, uint32(id))
		}
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	as.Gid = uint32(gid)
	return as, u.HomeDir, err
}

// errRoot refuses what could not be kept from a check: the kernel gives a program of root
// every capability of the daemon's bounding set (capabilities(7), "Capabilities and
// execution of programs by root"), and to narrow that takes CAP_SETPCAP.
var errRoot error = inconclusiveError{errors.New("user root would have the daemon's capabilities"),
	"give it a user of its own, or run the daemon as root"}

// RunAs returns why this process cannot run a check as the user, or nil if it can.
func RunAs(name string) error {
	as, _, err := credentialOf(name)
	var unclear inconclusiveError
	if errors.As(err, &unclear) { // nothing was asked yet
		return fmt.Errorf("%w; %s", unclear.cause, unclear.remedy)
	}
	if err != nil || as == nil || mayChangeUser() {
		return err
	}
	return errors.New("this process may not become another user; " + userRemedy)
}

// lookUp finds a user by name or number.
func lookUp(name string) (*user.User, error) {
	if _, err := strconv.ParseUint(name, 10, 32); err == nil {
		return user.LookupId(name)
	}
	return user.Lookup(name)
}
