// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// flowsMax bounds the connections through the floating IP; the client has at
	// most a few dozen open.
	flowsMax = 512
	// dialTimeout is how long the fabric tries to reach the owner's service. On
	// loopback the answer, yes or no, is there at once unless the machine is busy.
	dialTimeout = askTimeout - 500*time.Millisecond
	// moveGrace is how long connections of a former owner outlive the move. The
	// client's requests take about a millisecond: without it, one that happens to be
	// under way would be a coin toss in the table. Longer connections are cut, as a
	// cloud does that does not drain.
	moveGrace = 50 * time.Millisecond
)

// floating is the floating IP for TCP: every new connection goes to the service
// of the node that holds the address at that moment.
type floating struct {
	listener net.Listener
	holder   func() int // the node that holds the address, negative: none
	service  func(node int) netip.AddrPort

	mu    sync.Mutex
	flows map[*flow]struct{}
	wg    sync.WaitGroup
}

// flow is one connection: the client's side and the service's.
type flow struct {
	node             int
	client, upstream net.Conn
}

func (f *flow) cut() {
	reset(f.client)
	reset(f.upstream)
}

// reset closes a connection so that the other side sees it broken and not ended.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // best effort: an ordinary close cuts as well
	}
	_ = c.Close() // it is being thrown away
}

// openFloating binds the floating IP. run serves it.
func openFloating(at netip.AddrPort, holder func() int, service func(int) netip.AddrPort) (*floating, error) {
	l, err := net.Listen("tcp4", at.String())
	if err != nil {
		return nil, err
	}
	return &floating{listener: l, holder: holder, service: service, flows: map[*flow]struct{}{}}, nil
}

// run serves until ctx ends, then cuts what is open.
func (f *floating) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = f.listener.Close() })
	defer stop()
	for {
		c, err := f.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil {
			continue // the client was gone before it was accepted
		}
		f.wg.Go(func() { f.carry(c) })
	}
	f.cutAll()
	f.wg.Wait()
}

// carry joins one connection with the owner's service. Without an owner, or with
// a dead one, the client is reset.
func (f *floating) carry(client net.Conn) {
	node := f.holder()
	if node < 0 {
		reset(client)
		return
	}
	upstream, err := net.DialTimeout("tcp4", f.service(node).String(), dialTimeout)
	if err != nil {
		reset(client)
		return
	}
	fl := &flow{node: node, client: client, upstream: upstream}
	if !f.add(fl) {
		fl.cut()
		return
	}
	defer f.remove(fl)
	var both sync.WaitGroup
	both.Go(func() { pump(upstream, client) })
	both.Go(func() { pump(client, upstream) })
	both.Wait()
	_, _ = client.Close(), upstream.Close()
}

// pump copies one direction and passes its end on. A connection that breaks on
// one side is broken on the other.
func pump(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		reset(to)
		return
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // fails if the other side is gone: the end is known there
	}
}

func (f *floating) add(fl *flow) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flows == nil || len(f.flows) >= flowsMax {
		return false
	}
	f.flows[fl] = struct{}{}
	return true
}

func (f *floating) remove(fl *flow) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.flows, fl)
}

// cutAll breaks every flow and lets no new one begin.
func (f *floating) cutAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for fl := range f.flows {
		fl.cut()
	}
	f.flows = nil
}

// moved says that the address left a node: its connections end a moment later.
func (f *floating) moved(from int) {
	old := f.of(from)
	time.AfterFunc(moveGrace, func() {
		for _, fl := range old {
			fl.cut() // closing twice is harmless
		}
	})
}

// of returns the connections that go to a node.
func (f *floating) of(node int) []*flow {
	f.mu.Lock()
	defer f.mu.Unlock()
	var flows []*flow
	for fl := range f.flows {
		if fl.node == node {
			flows = append(flows, fl)
		}
	}
	return flows
}
