// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"net/netip"
	"sync"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// The defaults. None but the region's name comes from a document: how long an EIP is
// being reconfigured, what clocks may differ and the live quota are not published.
const (
	RegionDefault   = "cn-north-1"
	ProcessingDelay = time.Second
	clockWindow     = 5 * time.Minute
	secondaryIPsMax = 20
)

// Options are the settings of the face.
type Options struct {
	Credentials []Credential
	Region      string // of what is added without one; empty: cn-north-1
	PathPrefix  string // before /v1 in every path, such as "/api"; empty: none

	Latency         time.Duration         // how long each API request travels
	Shape           face.Shape            // how much answers tell, the metadata's too
	ProcessingDelay time.Duration         // until an EIP is bound or unbound, PROCESSING meanwhile; zero: 1 s, negative: at once
	ReadLag         time.Duration         // API reads show the state of this long ago
	MetadataLag     time.Duration         // the same for the metadata's view of EIPs
	Sources         map[netip.Addr]string // remote address -> node, for credentials without one

	ClockWindow     time.Duration // by how much a request's date may be off; zero: 5 min, negative: by anything
	RepeatedNonces  bool          // accept a nonce more than once, and none
	UnsignedHost    bool          // accept signatures without the host
	PerMinutePerKey int           // calls per access key and minute; zero: no limit
	PerMinutePerAPI int           // calls per operation and minute; zero: no limit
	SecondaryIPsMax int           // per interface; zero: 20

	SlashOptional        bool // paths of vpc collections do without the slash at their end
	AssignMineFails      bool // assigning an IP to the interface that has it is a 400
	UnassignAbsentIs404  bool // unassigning an IP that the interface has not is a 404, else a 400
	EIPsWithoutState     bool // EIPs lack status and state, as in samples of 2021
	QuotedMetadata       bool // metadata values are between double quotes
	RoleCredentialsArray bool // the metadata's role credentials are in an array
}

// Server is the API. It is an http.Handler and safe for concurrent use.
type Server struct {
	*face.Server
	api *api
}

// api answers calls, one at a time; it is the face.Vendor.
type api struct {
	model   *fakecloud.Model
	options Options // delays and lags are changed under mu

	mu          sync.Mutex
	credentials map[string]Credential // by access key
	nonces      nonces
	limits      limiter
	world       world
	metadata    map[string]*Metadata
	roles       map[string]*Credential // by machine; what the metadata hands out
}

// New gives m the face of JD Cloud. It starts nothing.
func New(m *fakecloud.Model, o Options) *Server {
	m.SetRules(fakecloud.Rules{}) // what is refused depends on the kind and is found here
	def := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	def(&o.ProcessingDelay, ProcessingDelay)
	def(&o.ClockWindow, clockWindow)
	if o.Region == "" {
		o.Region = RegionDefault
	}
	if o.SecondaryIPsMax == 0 {
		o.SecondaryIPsMax = secondaryIPsMax
	}
	a := &api{model: m, options: o, credentials: map[string]Credential{}, metadata: map[string]*Metadata{},
		roles: map[string]*Credential{}}
	for _, c := range o.Credentials {
		a.credentials[c.AccessKey] = c
	}
	return &Server{
		Server: face.New(face.Options{Model: m, Vendor: a, Latency: o.Latency, Sources: o.Sources, Shape: o.Shape, Sparings: sparings}),
		api:    a,
	}
}

// SetProcessingDelay sets how long binding and unbinding of EIPs accepted from now on
// take; zero or less: at once.
func (s *Server) SetProcessingDelay(d time.Duration) { s.api.set(&s.api.options.ProcessingDelay, d) }

// SetReadLag makes API reads show the state of d ago.
func (s *Server) SetReadLag(d time.Duration) { s.api.set(&s.api.options.ReadLag, d) }

// SetMetadataLag makes the metadata show the EIPs of d ago.
func (s *Server) SetMetadataLag(d time.Duration) { s.api.set(&s.api.options.MetadataLag, d) }

func (a *api) set(field *time.Duration, d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*field = d
}
