// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

//go:build unix && !linux

package lab

import (
	"os"
	"syscall"
)

// childAttributes puts a child into a group of its own. Outside Linux nothing
// ends a daemon when the lab itself is killed; its service sees its input end.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // it ended in between
}
