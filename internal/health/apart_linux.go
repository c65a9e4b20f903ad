// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// startApart starts a command without what favours the daemon. A process inherits
// ambient capabilities and niceness from the thread that forks it, so that is one of its
// own, which ends with this: changing them for the whole daemon would need every thread
// at once, which a program with cgo cannot do, and take its niceness from the daemon.
func startApart(cmd *exec.Cmd) error {
	return onOwnThread(func() error {
		if err := plain(); err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		resetScore(cmd)
		return nil
	})
}

// onOwnThread runs f on a thread that nothing else runs on, before or after, and waits
// for it.
func onOwnThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}

// plain takes from this thread what a check must not inherit. Where a filter keeps the
// niceness, the check runs with it: see [Inherited].
func plain() error {
	err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	if err != nil && !errors.Is(err, unix.EINVAL) { // a kernel before 4.3 has none
		return fmt.Errorf("drop ambient capabilities: %w", err)
	}
	_ = resetNice()
	return nil
}

// resetNice gives this thread the usual niceness if its own favours it. That takes no
// privilege.
func resetNice() error {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // the system call returns 20 - nice
	if err != nil || 20-raw >= 0 {
		return err
	}
	return unix.Setpriority(unix.PRIO_PROCESS, 0, 0)
}

// resetScore gives a process that was just started the usual OOM score if it inherited
// one that favours it. What it starts itself in the microseconds before that keeps it.
func resetScore(cmd *exec.Cmd) {
	if oomScore() >= 0 {
		return
	}
	if as := cmd.SysProcAttr.Credential; as != nil {
		_ = unix.Setfsuid(int(as.Uid)) // whose file it is; of this thread, which ends
	}
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid), []byte("0"), 0) // it may have ended
}

// oomScore returns this process's oom_score_adj, 0 if that cannot be read.
func oomScore() int {
	text, _ := os.ReadFile("/proc/self/oom_score_adj")
	score, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return score
}

// killAs kills a process group of another user, which takes his identity or CAP_KILL.
func killAs(group int, uid uint32) error {
	return onOwnThread(func() error {
		const keep = ^uintptr(0)
		// Not unix.Setresuid, which changes every thread.
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keep, uintptr(uid), keep); errno != 0 {
			return errno
		}
		return unix.Kill(-group, unix.SIGKILL)
	})
}

// Inherited returns why checks inherit the niceness of this process, or nil.
func Inherited() error {
	if err := onOwnThread(resetNice); err != nil {
		return fmt.Errorf("reset the niceness of checks: %w; they run with the daemon's: add SystemCallFilter=setpriority to its unit", err)
	}
	return nil
}

// mayChangeUser reports whether this process may run a check as another user.
func mayChangeUser() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	const both = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	return data[0].Effective&both == both
}
