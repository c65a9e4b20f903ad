// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A scenario that fails during a pause leaves the host paused.
func TestAPausedHostEndsWithTheCluster(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the state of a process is read from /proc")
	}
	c := &cluster{record: &recorder{}, ground: &loopback{}}
	for _, name := range nodeNames[:pairNodes] {
		p, err := command{name: name, path: "/bin/sh", args: []string{"-c", "sleep 600 & wait"}}.start()
		if err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, &node{name: name, daemon: p})
	}
	c.pauseHost(ownerNode)
	if !inState(c.nodes[ownerNode].daemon, "T") {
		t.Error("the paused process runs")
	}
	if inState(c.nodes[standbyNode].daemon, "T") {
		t.Error("the other node is paused too")
	}
	c.continueHost(ownerNode)
	if !inState(c.nodes[ownerNode].daemon, "S") {
		t.Error("the process does not go on")
	}
	c.pauseHost(ownerNode)
	c.close()
	for _, n := range c.nodes {
		if n.daemon.alive() {
			t.Errorf("%s lives on", n.name)
		}
	}
}

// inState waits a while until the kernel says that the process is in the state.
func inState(p *process, want string) bool {
	for end := time.Now().Add(time.Second); time.Now().Before(end); runtime.Gosched() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		_, rest, _ := strings.Cut(string(stat), ") ")
		if err == nil && strings.HasPrefix(rest, want) {
			return true
		}
	}
	return false
}

func TestTheBoundOfAFlappingCheckCountsReturns(t *testing.T) {
	t.Parallel()
	// Of 58 s at most 10 s and 20 s fit in, a third delay of 40 s does not.
	if got, want := flapMoves(), (limits{1, 5}); got != want {
		t.Errorf("%s moves, want %s", got, want)
	}
}
