// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// TCP connects and closes the connection at once. The service is well if the
// connection was made.
type TCP struct {
	Address string // host:port, may hold placeholders
}

// String returns "tcp" and the address.
func (t TCP) String() string { return "tcp " + t.Address }

// Problems implements [Probe].
func (t TCP) Problems() []Problem {
	if ps := expandProblem("tcp", t.Address); len(ps) > 0 {
		return ps
	}
	if _, err := t.target(sampleValues); err != nil {
		return []Problem{{"tcp", err.Error()}}
	}
	return nil
}

// Ask implements [Probe].
func (t TCP) Ask(ctx context.Context, v Values) (string, error) {
	addr, err := t.target(v)
	if err != nil {
		return "", err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("connect to %s: %w", addr, judged(because(ctx, reduced(err))))
	}
	conn.Close() // nothing was written, so there is nothing that closing could lose
	return "connected to " + addr, nil
}

// reduced returns the cause of an error of package net, which repeats the address.
func reduced(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// target returns the host and port to connect to.
func (t TCP) target(v Values) (string, error) {
	addr, err := Expand(t.Address, v)
	if err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return "", fmt.Errorf("%q is no host:port; write 127.0.0.1:80 or [::1]:80", addr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%q has no port from 1 to 65535; write 127.0.0.1:80 or [::1]:80", addr)
	}
	return addr, nil
}
