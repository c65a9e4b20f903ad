// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package holder

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Process is a process that has something.
type Process struct {
	PID    int
	Name   string // as in ps; empty: unknown
	Likely bool   // it is the only one of this program and user, and nothing more is known
}

// String returns "fipctl (pid 12)".
func (p Process) String() string {
	text := fmt.Sprintf("%s (pid %d)", p.Name, p.PID)
	if p.Name == "" {
		text = fmt.Sprintf("process %d", p.PID)
	}
	if p.Likely {
		text = "probably " + text
	}
	return text
}

// proc is where the kernel tells of processes (proc(5)).
type proc string

const system proc = "/proc"

// processesMax bounds how many processes are looked at.
const processesMax = 1 << 16

// OfPort returns which process has a port, for "tcp" one that listens. Without one that
// can be named, user is whose it is, and -1 if not even that is known.
func OfPort(network string, at netip.AddrPort) (p Process, user int) {
	return system.ofPort(network, at, os.Getpid())
}

func (r proc) ofPort(network string, at netip.AddrPort, self int) (Process, int) {
	inode, user := "", -1
	for _, table := range []string{network, network + "6"} {
		text, _ := os.ReadFile(filepath.Join(string(r), "net", table))
		if i, u := find(string(text), network, at); i != "" {
			inode, user = i, u
		}
	}
	if inode == "" {
		return Process{}, -1
	}
	var likely []int
	pids, _ := filepath.Glob(filepath.Join(string(r), "[0-9]*"))
	for _, dir := range pids[:min(len(pids), processesMax)] {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if r.has(pid, inode) {
			return r.named(pid), user
		}
		if pid != self && r.userOf(pid) == user && r.named(pid).Name == r.named(self).Name {
			likely = append(likely, pid)
		}
	}
	if len(likely) == 1 {
		p := r.named(likely[0])
		p.Likely = true
		return p, user
	}
	return Process{}, user
}

// find returns the inode and the user of the socket that keeps others from an address: the
// columns local_address, st, uid and inode of the kernel's tables.
func find(table, network string, at netip.AddrPort) (inode string, user int) {
	const listening = "0A"
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 10 || network == "tcp" && f[3] != listening {
			continue
		}
		local, ok := address(f[1])
		if !ok || local.Port() != at.Port() ||
			local.Addr() != at.Addr() && !local.Addr().IsUnspecified() && !at.Addr().IsUnspecified() {
			continue
		}
		user, err := strconv.Atoi(f[7])
		if err != nil {
			user = -1
		}
		return f[9], user
	}
	return "", -1
}

// address reads "0200007F:1BC8": words of the machine's own byte order, and a port.
func address(text string) (netip.AddrPort, bool) {
	words, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(words)
	number, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	ip, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)), ok
}

// has reports whether a process has a socket open, as far as this one may see.
func (r proc) has(pid int, inode string) bool {
	dir := filepath.Join(string(r), strconv.Itoa(pid), "fd")
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		if to, _ := os.Readlink(filepath.Join(dir, f.Name())); to == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}

// userOf returns the effective user of a process, and -1 if it is gone.
func (r proc) userOf(pid int) int {
	text, _ := os.ReadFile(filepath.Join(string(r), strconv.Itoa(pid), "status"))
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "Uid:" {
			if user, err := strconv.Atoi(f[2]); err == nil {
				return user
			}
		}
	}
	return -1
}

// named returns a process with its name.
func (r proc) named(pid int) Process {
	name, _ := os.ReadFile(filepath.Join(string(r), strconv.Itoa(pid), "comm"))
	return Process{PID: pid, Name: strings.TrimSpace(string(name))}
}
