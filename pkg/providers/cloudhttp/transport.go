// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

const (
	// idleTimeout is how long an unused connection is kept. Owner reads come every
	// 10 to 30 s, so the connection a claim needs is open and past its TLS
	// handshake; much shorter and each claim pays for two or three round trips.
	idleTimeout = 2 * time.Minute
	// idlePerHost is how many connections are kept: one per address in flight, and
	// one to spare.
	idlePerHost = 4
)

// newTransport returns the transport under the attempts. It speaks HTTP/1.1 only:
// one request at a time per connection is what lets a gate stand in front of it.
func newTransport() *http.Transport {
	return transportOver(&net.Dialer{
		// A connection whose other end vanished is found out while it is idle,
		// after about 16 s, and not by the claim that needs it.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 2 * time.Second, Count: 3},
	})
}

func transportOver(dialer *net.Dialer) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  proxyOf,
		OnProxyConnectResponse: connected,
		Protocols:              &protocols,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &gatedConn{Conn: conn}, nil
		},
	}
}

// gate stands between one attempt and its connection: it lets bytes pass until
// the context is over and remembers whether any passed. Cancelling a context does
// not by itself hold back a request that net/http is about to write: its write
// loop runs in another goroutine and would win the race now and then.
type gate struct {
	ctx      context.Context // of the attempt; ends with the caller's
	passed   atomic.Bool
	answered atomic.Bool // the attempt ended with a complete answer
}

// attach returns a context that makes net/http put the gate in front of the
// connection it picks. Hooks the caller attached before are called after that
// and before the first byte.
func (g *gate) attach(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if conn := gatedUnder(info.Conn); conn != nil {
				conn.gate.Store(g)
			}
		},
	})
}

// gatedUnder finds the connection of ours beneath layers of TLS.
func gatedUnder(conn net.Conn) *gatedConn {
	for {
		switch c := conn.(type) {
		case *gatedConn:
			return c
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

// gatedConn is a connection whose writes ask the gate of the request it serves.
// Before it serves one (TLS handshake, proxy CONNECT) there is no gate.
type gatedConn struct {
	net.Conn
	gate atomic.Pointer[gate]
}

// Write implements net.Conn.
func (c *gatedConn) Write(p []byte) (int, error) {
	if g := c.gate.Load(); g != nil {
		if g.ctx.Err() != nil {
			return 0, context.Cause(g.ctx)
		}
		g.passed.Store(true)
	}
	return c.Conn.Write(p)
}

// Close implements net.Conn. With an attempt that was given up goes what the kernel has not
// sent of it yet, which would else go on being sent for minutes, until the path works again.
func (c *gatedConn) Close() error {
	tcp, ok := c.Conn.(*net.TCPConn)
	if g := c.gate.Load(); ok && g != nil && g.ctx.Err() != nil && !g.answered.Load() {
		_ = tcp.SetLinger(0) // on a connection that is closed already there is nothing left
	}
	return c.Conn.Close()
}
