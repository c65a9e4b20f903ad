// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"sync"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// Server is the API, of the services vpc and cvm at one host. It is an http.Handler
// and safe for concurrent use.
type Server struct {
	*face.Server
	api *api
}

// api answers calls; it is the face.Vendor.
type api struct {
	model *fakecloud.Model

	mu          sync.Mutex // guards all below; never held while the model is called
	options     Options    // with defaults
	credentials map[string]Credential
	buckets     map[string]bucket
	tasks       tasks
	things      things
	metadata    map[string]*Metadata
	roles       map[string]*role
}

// New gives m the face of Tencent Cloud, which has no limits of the kind that
// fakecloud.Rules are about. It starts nothing.
func New(m *fakecloud.Model, o Options) *Server {
	m.SetRules(fakecloud.Rules{})
	o = o.withDefaults()
	a := &api{
		model: m, options: o,
		credentials: map[string]Credential{}, buckets: map[string]bucket{},
		tasks: tasks{byRequest: map[string][]int64{}}, things: newThings(o),
		metadata: map[string]*Metadata{}, roles: map[string]*role{},
	}
	for _, c := range o.Credentials {
		a.credentials[c.ID] = c
	}
	return &Server{
		Server: face.New(face.Options{Model: m, Vendor: a, Latency: o.Latency, Sources: o.Sources, Shape: o.Shape, Sparings: sparings}),
		api:    a,
	}
}

// AddCredential makes c valid, replacing an earlier one of the same id.
func (s *Server) AddCredential(c Credential) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.credentials[c.ID] = c
}

// RevokeCredential makes the credential unknown from the next call on.
func (s *Server) RevokeCredential(id string) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	delete(s.api.credentials, id)
}

// SetBindDelay sets how long binding or unbinding an EIP takes from now on; zero or
// less: at once.
func (s *Server) SetBindDelay(d time.Duration) { s.api.change(func(o *Options) { o.BindDelay = d }) }

// SetMigrateDelay does the same for writes about private IPs.
func (s *Server) SetMigrateDelay(d time.Duration) {
	s.api.change(func(o *Options) { o.MigrateDelay = d })
}

// SetDriftDelay sets how long a HAVIP's announcement takes to be mapped.
func (s *Server) SetDriftDelay(d time.Duration) { s.api.change(func(o *Options) { o.DriftDelay = d }) }

// SetReadLag makes API reads show the state of d ago.
func (s *Server) SetReadLag(d time.Duration) { s.api.change(func(o *Options) { o.ReadLag = d }) }

// SetMetadataLag makes the metadata show the addresses of d ago.
func (s *Server) SetMetadataLag(d time.Duration) {
	s.api.change(func(o *Options) { o.MetadataLag = d })
}

// SetClockSkew puts the service's clock d ahead of the model's, for signatures and
// for the expiry of credentials.
func (s *Server) SetClockSkew(d time.Duration) { s.api.change(func(o *Options) { o.ClockSkew = d }) }

// SetThrottle limits the calls per second of each action; zero: no limit.
func (s *Server) SetThrottle(perSecond int) {
	s.api.change(func(o *Options) { o.Throttle = perSecond })
}

// SetDialect changes which of several forms answers have.
func (s *Server) SetDialect(d Dialect) {
	s.api.change(func(o *Options) { o.Dialect = d.withDefaults() })
}

func (a *api) change(f func(*Options)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(&a.options)
}

// settings returns the options as they are now.
func (a *api) settings() Options {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.options
}

// view is the cloud as API reads see it.
func (a *api) view() fakecloud.View { return a.model.View(a.settings().ReadLag) }

// serviceNow is the instant on the service's clock.
func (a *api) serviceNow() time.Time { return a.model.Now().Add(a.settings().ClockSkew) }
