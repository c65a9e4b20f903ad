// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

// keep leaves a healthy pair running until ctx ends, says what can be tried on it,
// and shows what happens as it happens.
func (l *lab) keep(ctx context.Context, o offer) error {
	s := scenario{name: "keep", story: "a healthy pair to try things on"}
	l.out.begin(s)
	c, err := openCluster(ctx, l, l.clusterOptions(o, s))
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.healthyStart(ctx); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	c.startClient(ctx)
	l.out.print("%s", keptText(l.executable, c))
	l.narrate(ctx, c)
	return nil
}

// narrate shows every event until ctx ends.
func (l *lab) narrate(ctx context.Context, c *cluster) {
	begun := time.Now()
	show := func(e event) {
		if ctx.Err() == nil { // the end of the daemons afterwards is no news
			l.out.print("%s", eventText(e, begun))
		}
	}
	c.record.follow(show)
	stop := c.cloud.model.OnChange(func(ch fakecloud.Change) {
		for _, e := range c.cloud.moveEvents([]fakecloud.Change{ch}) {
			show(e)
		}
	})
	defer stop()
	answering := c.nodes[ownerNode].name
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if last, ok := c.client.last(); ok && last.Node != answering {
			answering = last.Node
			show(clientEvent(turn{At: last.Done, Node: last.Node}))
		}
	}
}

// keptText says what can be done with the pair that stays.
func keptText(executable string, c *cluster) string {
	var b strings.Builder
	b.WriteString("  It runs until Ctrl-C. In another terminal:\n\n")
	fmt.Fprintf(&b, "    F=%s\n", executable)
	for i, n := range c.nodes {
		fmt.Fprintf(&b, "    %c=%s  # %s\n", 'A'+i, n.files.socket, n.name)
	}
	owner := c.nodes[ownerNode]
	fmt.Fprintf(&b, `
    $F --socket $B status
    $F --socket $B assign %[1]s
    $F --socket $A assign %[1]s
    $F --socket $A drain
    $F --socket $A resume
    %[5]scurl http://%[2]s/
    kill %[3]d  # stops %[4]s

`, groupName, c.ground.floatingWeb(), owner.daemon.cmd.Process.Pid, owner.daemon.name,
		c.ground.within(c.nodes[standbyNode].service.cmd.Process.Pid))
	fmt.Fprintf(&b, "  %s reads %s\n\n", owner.daemon.name, owner.files.config)
	return b.String()
}
