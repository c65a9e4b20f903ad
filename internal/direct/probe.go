// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
)

// A probe is sent three times: one lost datagram must not look like a dead
// daemon, and within a region a round trip takes a few milliseconds.
const (
	probeAttempts = 3
	probeInterval = 400 * time.Millisecond
)

// ErrSilent says that no daemon answered a probe. It is no proof that none runs.
var ErrSilent = errors.New("no answer")

// UDPProber sends signed probes from an ephemeral port. It is safe for
// concurrent use if Rand is.
type UDPProber struct {
	Receiver wire.Receiver // this node's name, its peers and the keys
	Rand     io.Reader     // crypto/rand.Reader outside tests
}

// Probe asks the daemon at an address who it is, for at most 1.2 s. A daemon
// that answers with something refused (another key, another cluster) is an error
// that says so: somebody runs there.
func (p *UDPProber) Probe(ctx context.Context, to netip.AddrPort) (Answer, error) {
	session, nonce, err := p.draw()
	if err != nil {
		return Answer{}, fmt.Errorf("probe %s: %w", to, err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", to.String())
	if err != nil { // no route: nothing can be heard from there
		return Answer{}, fmt.Errorf("probe %s: %w: %w", to, ErrSilent, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()

	for attempt := range uint64(probeAttempts) {
		request, err := p.request(session, 1+attempt, nonce) // a copy of one would not be answered
		if err != nil {
			return Answer{}, fmt.Errorf("probe %s: %w", to, err)
		}
		if _, err := conn.Write(request); err != nil && ctx.Err() == nil {
			// The port was reported closed by an earlier attempt.
			return Answer{}, fmt.Errorf("probe %s: %w", to, ErrSilent)
		}
		answer, err := p.await(conn, nonce)
		switch {
		case ctx.Err() != nil:
			return Answer{}, fmt.Errorf("probe %s: %w", to, context.Cause(ctx))
		case err == nil:
			return answer, nil
		case !errors.Is(err, ErrSilent):
			return Answer{}, fmt.Errorf("probe %s: %w", to, err)
		}
	}
	return Answer{}, fmt.Errorf("probe %s: %w", to, ErrSilent)
}

// draw returns the session and the nonce of one question.
func (p *UDPProber) draw() (session uint64, nonce [16]byte, err error) {
	var random [24]byte
	if _, err := io.ReadFull(p.Rand, random[:]); err != nil {
		return 0, nonce, fmt.Errorf("draw nonce: %w", err)
	}
	copy(nonce[:], random[:])
	return binary.BigEndian.Uint64(random[16:]) | 1, nonce, nil // not zero
}

// request returns the question, signed.
func (p *UDPProber) request(session, sequence uint64, nonce [16]byte) ([]byte, error) {
	request := wire.ProbeRequest{Cluster: p.Receiver.Cluster, From: p.Receiver.Node, Session: session, Sequence: sequence, Nonce: nonce}
	return wire.AppendProbeRequest(nil, &request, &p.Receiver.Keys)
}

// await reads until the reply to nonce comes or one interval is over. Datagrams
// that are no reply to this request are skipped, so that a late reply to an
// earlier one is harmless.
func (p *UDPProber) await(conn net.Conn, nonce [16]byte) (Answer, error) {
	_ = conn.SetReadDeadline(time.Now().Add(probeInterval))
	buffer := make([]byte, wire.MaxSize+1)
	var refused election.Reason
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			if refused != election.ReasonNone {
				return Answer{}, fmt.Errorf("something answers, but %s (%s)", refused.Text(), refused)
			}
			return Answer{}, ErrSilent
		}
		var m wire.Message
		reason := p.Receiver.Decode(buffer[:n], &m)
		switch {
		case reason != election.ReasonNone:
			refused = reason
		case m.Kind == wire.KindProbeReply && m.Reply.Nonce == nonce:
			return Answer{Node: m.Reply.From, Groups: m.Reply.Groups}, nil
		}
	}
}
