// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// callerOf asks the kernel who is at the other end (SO_PEERCRED in unix(7)). The
// answer only goes into the log: the mode of the socket decides who may connect.
func callerOf(c *net.UnixConn) caller {
	raw, err := c.SyscallConn()
	if err != nil {
		return "unknown"
	}
	var cred *unix.Ucred
	if controlErr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); controlErr != nil || err != nil {
		return "unknown"
	}
	return caller(fmt.Sprintf("uid %d pid %d", cred.Uid, cred.Pid))
}
