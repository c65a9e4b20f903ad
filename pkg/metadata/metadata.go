// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package metadata

import (
	"context"
	"errors"
	"net/netip"

	"github.com/fipctl/fipctl/pkg/providers"
)

// Source asks one cloud's metadata service. Implementations are safe for
// concurrent use and remember nothing between calls.
type Source interface {
	// Cloud returns the name of the provider whose metadata this is.
	Cloud() string
	// Identity reads who this machine is. It does a bounded number of requests,
	// each with a timeout of at most two seconds, and ends early with ctx. A
	// missing or malformed field is an error that names it. An error that wraps
	// ErrIncomplete comes with an identity that is right as far as it goes.
	Identity(ctx context.Context) (Identity, error)
}

// ErrIncomplete is wrapped by the error of an identity whose Target lacks a part that
// could not be found out yet.
var ErrIncomplete = errors.New("identity incomplete")

// Identity is what the metadata service says about this machine.
type Identity struct {
	Target     providers.Target // this machine as an address could be bound to it
	Hostname   string           // may be empty
	Region     string           // the cloud's own name of the region or zone
	Interfaces []Interface      // in the service's order
	Anchor     netip.Addr       // DigitalOcean's anchor IP; invalid where there is none

	// Where in the cloud the primary interface is. Each is empty where the service does
	// not tell.
	Zone   string // the availability zone
	VPC    string // the cloud's id of the private network
	Subnet string // the cloud's id of the subnet
}

// Interface is one network interface in the eyes of the cloud.
type Interface struct {
	MAC       string       // lower case, colon separated
	Public    bool         // faces the public network
	Addresses []netip.Addr // the addresses the cloud gave it, without the anchor
}
