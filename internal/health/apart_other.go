// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

//go:build !linux

package health

import (
	"os"
	"os/exec"
	"syscall"
)

// startApart starts a command. Elsewhere than on Linux there is nothing to take from it.
func startApart(cmd *exec.Cmd) error { return cmd.Start() }

// killAs is for a group that may not be killed as the user of the daemon.
func killAs(int, uint32) error { return syscall.EPERM }

// Inherited returns why checks inherit the niceness of this process, or nil.
func Inherited() error { return nil }

// mayChangeUser reports whether this process may run a check as another user.
func mayChangeUser() bool { return os.Geteuid() == 0 }
