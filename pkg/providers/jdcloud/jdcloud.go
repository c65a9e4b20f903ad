// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package jdcloud moves addresses of JD Cloud between machines of one region: an EIP
// in two calls (detach, attach), a secondary private IP and a route in one. A [Cloud]
// has one provider for each kind; they share a client.
//
// What an Assign needs beside the target is in what was read before: the interface to
// detach an EIP from, whether a private IP has a holder, the id of a route's rule. It
// never takes an address from what is no machine, such as a load balancer or a NAT
// gateway. Nothing about ownership is remembered; which private address another machine
// has, and the range of a subnet, are for up to a minute. The caller
//
//  1. obeys the rules of package providers, above all reading the owner after every
//     write: the API answers a write with a request id alone, and has no conditional
//     form but for the first binding of a private IP;
//  2. reads, and then asks Preflight, after a Conflict: the API refuses with the same
//     status what is bound here already, what is bound elsewhere, and a private IP that
//     another EIP is mapped to.
package jdcloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// Name is the name of the driver in configuration, logs and errors.
const Name = "jdcloud"

// The options of the provider's block in the configuration file.
const (
	OptionCredentialsFile  = "credentials_file"
	OptionRegion           = "region"
	OptionNetwork          = "network"
	OptionEndpoint         = "endpoint"
	OptionMetadataEndpoint = "metadata_endpoint"
	OptionRole             = "role"
)

// Kinds returns the kinds of address that can be moved, sorted.
func Kinds() []string {
	return []string{providers.KindEIP, providers.KindPrivateIP, providers.KindRoute}
}

const (
	// moveTimeout and settleTime: no figure is published, and users report none. The
	// reference polls for up to 30 s; reads that lag behind a write by more than a few
	// seconds are not known.
	moveTimeout = 30 * time.Second
	settleTime  = 5 * time.Second
	// minInterval is half of the least the vendor's users poll at while an EIP moves.
	// Two limits exist, per access key and per API and minute, without numbers.
	minInterval = 500 * time.Millisecond
)

// Credential is what signs requests.
type Credential struct {
	AccessKey string // no secret: it is part of every request
	SecretKey cloudhttp.Secret
	Token     cloudhttp.Secret // of temporary credentials; empty: long-lived ones
}

// Config is what New needs.
type Config struct {
	// Credentials is asked for each attempt, from any goroutine, and ends with ctx.
	Credentials func(ctx context.Context) (Credential, error)
	// Rejected, if not nil, is called when the API refused the credentials, so that the
	// next answer of Credentials may be a new one. A read is then made once more.
	Rejected func()
	// Region is asked for each call and answers with a region id such as "cn-north-1".
	Region func(ctx context.Context) (string, error)
	// Endpoints says where the API is.
	Endpoints Endpoints
	// UserAgent says where requests come from, such as "fipctl/0.1".
	UserAgent string
	// Transport carries the requests. Nil: that of package cloudhttp, which alone makes
	// its promises exact.
	Transport http.RoundTripper
	// Now tells the time, for signatures. Nil: time.Now.
	Now func() time.Time
	// Nonce returns a text that no request had before. Nil: a random UUID.
	Nonce func() string
}

// Cloud makes the providers of all kinds, which share its client. It is safe for
// concurrent use.
type Cloud struct{ client *client }

// New returns the driver. It does no I/O and reports every problem of cfg at once.
func New(cfg Config) (*Cloud, error) {
	var problems []error
	if cfg.Credentials == nil {
		problems = append(problems, errors.New("credentials: missing"))
	}
	if cfg.Region == nil {
		problems = append(problems, errors.New("region: missing"))
	}
	at, err := cfg.Endpoints.parse()
	if err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	c := &client{credentials: cfg.Credentials, rejected: cfg.Rejected, region: cfg.Region, endpoint: at, now: cfg.Now, nonce: cfg.Nonce, ranges: facts{age: rangeAge}}
	if c.now == nil {
		c.now = time.Now
	}
	if c.nonce == nil {
		c.nonce = newNonce
	}
	c.http = cloudhttp.New(cloudhttp.Config{Sign: c.sign, UserAgent: cfg.UserAgent, Transport: cfg.Transport})
	return &Cloud{c}, nil
}

// Kind returns the provider for addresses of one kind, and whether there is one.
func (c *Cloud) Kind(kind string) (providers.Provider, bool) {
	switch kind {
	case providers.KindEIP:
		return &eip{client: c.client}, true
	case providers.KindPrivateIP:
		return &privateIP{c.client}, true
	case providers.KindRoute:
		return &route{c.client}, true
	default:
		return nil, false
	}
}

// Refusal returns why addresses of a kind cannot be moved, in one sentence for the
// configuration file; empty for a kind that can be.
func Refusal(kind string) string {
	switch kind {
	case providers.KindEIP, providers.KindPrivateIP, providers.KindRoute:
		return ""
	case providers.KindHAVIP:
		return "JD Cloud has no public API for HAVIPs, so nothing tells who holds one; use kind " +
			providers.KindPrivateIP + ", which moves a private address in one call"
	default:
		return fmt.Sprintf("kind %q is unknown; known are %s", kind, strings.Join(Kinds(), ", "))
	}
}

// Capabilities returns those of a kind; the zero value for a kind that cannot be moved.
func Capabilities(kind string) providers.Capabilities {
	caps := providers.Capabilities{
		IPv4: true, SettleTime: settleTime, MoveTimeout: moveTimeout, MinInterval: minInterval,
	}
	switch kind {
	case providers.KindEIP:
		caps.Target = providers.PartInstance | providers.PartInterface | providers.PartPrivateIP
		caps.Asynchronous = true // an EIP is PROCESSING for a while
		caps.MaxPerTarget4 = 1   // a private IP that has an EIP is refused another one
	case providers.KindPrivateIP:
		caps.Target = providers.PartInstance | providers.PartInterface
		caps.AtomicMove = true
		caps.Guest4 = providers.GuestAddress
	case providers.KindRoute:
		caps.Target = providers.PartInstance
		caps.AtomicMove = true
		caps.Guest4 = providers.GuestAddress
	default:
		return providers.Capabilities{}
	}
	return caps
}
