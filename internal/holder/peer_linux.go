// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package holder

import (
	"net"

	"golang.org/x/sys/unix"
)

// OfPeer returns which process is at the other end of a connection, and its user: the one
// that listened there or connected (SO_PEERCRED in unix(7)).
func OfPeer(c *net.UnixConn) (p Process, user uint32, ok bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Process{}, 0, false
	}
	var cred *unix.Ucred
	if controlErr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); controlErr != nil || err != nil {
		return Process{}, 0, false
	}
	return system.named(int(cred.Pid)), cred.Uid, true
}
