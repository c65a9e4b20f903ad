// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Process looks for a running process by its name in /proc, without starting
// anything. The name matches the kernel's name of a process or the last element
// of its first argument (the kernel keeps 15 bytes of a name, so longer ones are
// found by the argument); a zombie is not running. Where processes of other users are
// hidden from the daemon, that none is found is inconclusive.
type Process struct {
	Name string
	Root string // where proc is mounted; "": /proc
}

// String returns "process" and the name.
func (p Process) String() string { return "process " + p.Name }

// Problems implements [Probe].
func (p Process) Problems() []Problem {
	switch {
	case p.Name == "":
		return []Problem{{"process", "is empty; give the name of a program, such as nginx"}}
	case strings.Contains(p.Name, "/"):
		return []Problem{{"process", fmt.Sprintf("%q is a path, and processes are found by name; use %q",
			p.Name, path.Base(p.Name))}}
	}
	return nil
}

// Ask implements [Probe].
func (p Process) Ask(ctx context.Context, _ Values) (string, error) {
	root := p.Root
	if root == "" {
		root = "/proc"
	}
	pids, err := pidsIn(root)
	if err != nil {
		return "", fmt.Errorf("list processes: %w", inconclusiveError{err, "mount proc where the daemon sees it"})
	}
	hidden := !slices.Contains(pids, "1") // every process is below it
	// Names first: reading them is cheap and cannot block, while reading the
	// arguments waits for the memory map of a process that may be stuck.
	var others []string
	for _, pid := range pids {
		if ctx.Err() != nil {
			return "", fmt.Errorf("find process %s: %w", p.Name, context.Cause(ctx))
		}
		comm, running, err := readStat(filepath.Join(root, pid, "stat"))
		hidden = hidden || errors.Is(err, fs.ErrPermission)
		switch {
		case !running:
		case comm == p.Name:
			return fmt.Sprintf("process %s runs as %s", p.Name, pid), nil
		default:
			others = append(others, pid)
		}
	}
	for _, pid := range others {
		if ctx.Err() != nil {
			return "", fmt.Errorf("find process %s: %w", p.Name, context.Cause(ctx))
		}
		if p.argumentOf(root, pid) {
			return fmt.Sprintf("process %s runs as %s", p.Name, pid), nil
		}
	}
	err = fmt.Errorf("none of %d is running under that name", len(pids))
	if hidden {
		err = inconclusiveError{fmt.Errorf("none of the %d that may be seen has that name", len(pids)),
			"processes of other users are hidden; take hidepid off /proc, or ProtectProc and ProcSubset out of the daemon's unit"}
	}
	return "", fmt.Errorf("find process %s: %w", p.Name, err)
}

// argumentOf reports whether the first argument of a process ends in the name.
func (p Process) argumentOf(root, pid string) bool {
	line, err := os.ReadFile(filepath.Join(root, pid, "cmdline"))
	if err != nil {
		return false // it ended meanwhile, or is none of our business
	}
	first, _, _ := bytes.Cut(line, []byte{0})
	return len(first) > 0 && path.Base(string(first)) == p.Name
}

// pidsIn returns the numbers of all processes, as text.
func pidsIn(root string) ([]string, error) {
	dir, err := os.Open(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := names[:0]
	for _, name := range names {
		if _, err := strconv.ParseUint(name, 10, 32); err == nil {
			pids = append(pids, name)
		}
	}
	if len(pids) == 0 {
		return nil, errors.New(root + " shows no process")
	}
	return pids, nil
}

// readStat returns the kernel's name of a process and whether it runs, from a
// file such as "42 (nginx) S 1 ...". The name may itself hold parentheses and
// blanks, so it ends at the last closing one.
func readStat(file string) (comm string, running bool, err error) {
	stat, err := os.ReadFile(file)
	if err != nil {
		return "", false, err // it ended meanwhile, or is hidden
	}
	start, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if start < 0 || end < start || len(stat) < end+3 {
		return "", false, nil
	}
	switch stat[end+2] {
	case 'Z', 'X', 'x': // ended, and not yet collected by its parent
		return "", false, nil
	}
	return string(stat[start+1 : end]), true, nil
}
