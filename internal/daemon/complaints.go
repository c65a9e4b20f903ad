// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// What is wrong with the datagrams of a peer, for people: another version of the protocol, a
// file with other groups, an advert that contradicts itself. It moves nothing, and would fill
// the log, so it is told once in a while.

// complaint is one thing that is wrong.
type complaint struct {
	peer string
	why  election.Reason
}

// complainEvery is the spacing of two lines about the same.
const complainEvery = 10 * time.Minute

// complain tells of a refused datagram that came from a peer, or from where it is.
func (e *engine) complain(peer string, why election.Reason) {
	switch why {
	case election.ReasonBadVersion, election.ReasonMalformed, election.ReasonUnknownGroup:
	default:
		return
	}
	if peer == "" {
		peer = e.peerAt()
	}
	now, c := e.clock.now(), complaint{peer, why}
	if last, told := e.complaints[c]; peer == "" || told && now.Sub(last) < complainEvery {
		return
	}
	e.complaints[c] = now
	e.log.Warn("datagrams of a peer are refused; nothing moves for them", "peer", peer, "reason", why.String(), "text", why.Text(), "again_after", complainEvery.String())
}

// peerAt returns the peer whose configured address the last packet came from, or "".
func (e *engine) peerAt() string {
	for name, at := range e.peers {
		if at.Addr() == e.packet.From.Addr() {
			return name
		}
	}
	return ""
}
