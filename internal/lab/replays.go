// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fipctl/fipctl/pkg/election/wire"
)

// replays returns the scenarios of somebody who has no key and has listened.
func replays() []scenario {
	return []scenario{{
		name: "replayed", byHand: true,
		story: "a stranger replays 50,000 datagrams a second: a cut link, a restart and a death go as ever",
		needs: aProbe,
		act:   replay,
		want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
	}}
}

// replayRate is how many datagrams a second the stranger sends.
const replayRate = 50_000

// replay ends the sessions from which most of the recordings are, cuts the link while
// recordings arrive, so that only the probe speaks for the owner, restarts the owner, and
// at last kills it.
func replay(ctx context.Context, c *cluster) error {
	for _, i := range []int{standbyNode, ownerNode} {
		if err := c.restart(ctx, i); err != nil {
			return err
		}
	}
	flood, end := context.WithCancel(ctx)
	sent := make(chan replayed, 1)
	failed := make(chan error, 1)
	c.wg.Go(func() {
		r, err := c.ground.replay(flood, replayRate)
		sent <- r
		failed <- err
	})
	err := c.underReplays(ctx)
	end()
	r := <-sent
	c.record.note(fmt.Sprintf("the stranger sent %d datagrams in %.1f s and had %d answers", r.sent, r.took.Seconds(), r.answers))
	return errors.Join(<-failed, err)
}

func (c *cluster) underReplays(ctx context.Context) error {
	c.record.note(fmt.Sprintf("a stranger sends %d recorded datagrams a second", replayRate))
	if err := c.nothingMoves(ctx, "replays move nothing", 2*c.long()); err != nil {
		return err
	}
	if err := c.cutLink(ctx); err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "the probe is answered among replays", 2*c.long()); err != nil {
		return err
	}
	c.ground.cut(false)
	if err := c.untilHealthy(ctx); err != nil {
		return err
	}
	begun := time.Now()
	if err := c.restart(ctx, ownerNode); err != nil {
		return err
	}
	c.record.note(fmt.Sprintf("the owner was restarted and heard again %.2f s after it was told to leave", time.Since(begun).Seconds()))
	return killOwner(ctx, c)
}

// restart restarts the daemon of node i and waits until both are heard again.
func (c *cluster) restart(ctx context.Context, i int) error {
	c.record.note(c.nodes[i].name + "'s daemon is restarted")
	c.signal(i, syscall.SIGUSR1)
	if err := c.ended(ctx, i); err != nil {
		return err
	}
	if err := c.startDaemon(i); err != nil {
		return err
	}
	return c.untilHealthy(ctx)
}

// replayed is what became of a flood of replays.
type replayed struct {
	sent    int
	answers int // datagrams that came back to the stranger
	took    time.Duration
}

// tape is what somebody who listens keeps: the first datagrams of every kind, and the last.
type tape struct {
	first, last [][]byte
}

// tapeMax is how many of each it keeps.
const tapeMax = 64

func (t *tape) keep(datagram []byte) {
	b := append([]byte(nil), datagram...)
	switch {
	case len(t.first) < tapeMax:
		t.first = append(t.first, b)
	case len(t.last) < tapeMax:
		t.last = append(t.last, b)
	default:
		t.last = append(t.last[1:], b)
	}
}

// all returns everything that is on the tape.
func (t *tape) all() [][]byte { return append(t.first[:len(t.first):len(t.first)], t.last...) }

// recording is one datagram, and whom it was for.
type recording struct {
	to       netip.AddrPort
	datagram []byte
}

// overheard returns what the nodes have said. What was asked through the address goes to
// every node.
func (g *loopback) overheard() (rs []recording) {
	for i, row := range g.relay.links {
		for j, l := range row {
			if i == j {
				continue
			}
			l.change(func(l *link) {
				for _, b := range l.heard.all() {
					rs = append(rs, recording{g.nodeDaemon(j), b})
				}
			})
		}
	}
	g.probes.mu.Lock()
	defer g.probes.mu.Unlock()
	for i := range g.cloud.nodes {
		for _, b := range g.probes.heard.all() {
			rs = append(rs, recording{g.nodeDaemon(i), b})
		}
	}
	return rs
}

// replay implements ground. The tape is read anew each second.
func (g *loopback) replay(ctx context.Context, perSecond int) (r replayed, err error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(g.at(hostStranger, g.daemon)))
	if err != nil {
		return r, fmt.Errorf("replay: %w", err)
	}
	var answers atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, wire.MaxSize)
		for {
			_, _, err := conn.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				answers.Add(1)
			}
		}
	}()
	begun := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var tape []recording
	read := time.Time{}
	for ctx.Err() == nil {
		if now := time.Now(); now.Sub(read) > time.Second {
			tape, read = g.overheard(), now
		}
		for due := int(time.Since(begun).Seconds() * float64(perSecond)); r.sent < due && len(tape) > 0; r.sent++ {
			one := tape[r.sent%len(tape)]
			_, _ = conn.WriteToUDPAddrPort(one.datagram, one.to) // the daemon may be down
		}
		<-tick.C
	}
	r.took = time.Since(begun)
	_ = conn.Close() // datagrams only
	<-done
	r.answers = int(answers.Load())
	return r, nil
}

// replay implements ground.
func (*namespaces) replay(context.Context, int) (replayed, error) {
	return replayed{}, errors.New("replay: nobody listens between the namespaces; play it without --netns")
}
