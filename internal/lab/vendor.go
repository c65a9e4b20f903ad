// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"net/http"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/pkg/providers"
)

// vendor is the fake of one cloud with one machine per node, a machine of somebody
// else, and one address of one kind. Everything that differs between clouds and kinds
// is here; who holds the address when is in the ownership model that the fake was
// opened on. Opening one does no I/O.
type vendor interface {
	// api is the cloud's API, which also plays its faults.
	api() *face.Server
	// metadata is what node i's metadata service answers.
	metadata(i int) http.Handler
	// slots are where the address is: one, or one for each route table. Clients are
	// where the first says.
	slots() []fakecloud.Slot
	// target is node i as the holder, stranger the other machine. They are asked while
	// the fake changes something, and must not ask it.
	target(i int) providers.Target
	stranger() providers.Target
	// identity is all that the cloud calls node i, as Target.String has it, for the
	// other nodes to recognise it by before its first advert; empty where the cloud
	// tells its private addresses and they suffice.
	identity(i int) string
	// announce is what the cloud learns when node i announces the address; it reports
	// whether the cloud heeds announcements of it at all.
	announce(i int) bool
	// binding selects the call that makes a node the holder.
	binding() face.Match
	// permission is what a node lacks that may only read, as the cloud calls it.
	permission() string
	// calls names the calls that read an owner, an operation and the state of a machine.
	calls() []callName
	// address and block are the cloud's part of a node's configuration file, where
	// credentials are in the file secret.
	address() fileAddress
	block(i int, secret string) fileProvider
	// secretOf is the content of that file for a node; each has its own, so that the
	// cloud can fail one node and not the other. The cloud knows nothing of other
	// names than those of its nodes.
	secretOf(node string) string
	// serviceURL is where the check of node i asks its service.
	serviceURL(i int) string
}

// keyID and keySecret are a node's pair of keys at clouds that sign. They look like real
// ones and open nothing.
func keyID(node string) string     { return "AKLAB" + strings.ToUpper(strings.ReplaceAll(node, "-", "")) }
func keySecret(node string) string { return "lab-secret-of-" + node }

// Who holds the address when a scenario begins, beside a node's number.
const (
	heldByNobody   = -1
	heldByStranger = -2
)

// holderOf returns the target of the holder that a scenario begins with.
func holderOf(v vendor, who int) providers.Target {
	switch who {
	case heldByNobody:
		return providers.Target{}
	case heldByStranger:
		return v.stranger()
	default:
		return v.target(who)
	}
}
