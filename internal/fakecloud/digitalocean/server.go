// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"net/netip"
	"sync"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// OperationDelay is how long an accepted action takes by default. Users report
// 2 to 12 s for the real service.
const OperationDelay = 2 * time.Second

// Options are the settings of the face.
type Options struct {
	Tokens         []Token
	OperationDelay time.Duration // until an accepted action takes effect; zero: 2 s, negative: at once
	ReadLag        time.Duration // API reads show the state of this long ago
	MetadataLag    time.Duration // the same for the metadata's view of reserved IPs
	Latency        time.Duration // how long each API request travels
	Shape          face.Shape    // how much answers tell, the metadata's too
	RatePerHour    int           // requests per token; zero: 5000, negative: no limit
	RatePerMinute  int           // requests per token; zero: 250, negative: no limit
	IPv6MovesFail  bool          // re-assigning a held IPv6 errs and its action cannot be read (500)

	// Sources names the node behind a remote address, for tokens without one.
	Sources map[netip.Addr]string
	// Anchors are the anchor IPs by droplet id. The default is one in
	// 10.10.0.0/16; an invalid Addr makes a droplet without (a custom image).
	Anchors map[string]netip.Addr
}

// Server is the API. It is an http.Handler and safe for concurrent use.
type Server struct {
	*face.Server
	api *api
}

// api answers calls; it is the face.Vendor.
type api struct {
	model   *fakecloud.Model
	options Options
	limits  *limiter

	mu             sync.Mutex
	tokens         map[string]Token
	operationDelay time.Duration
	readLag        time.Duration
	metadataLag    time.Duration
	metadata       map[string]*Metadata
}

// Rules are DigitalOcean's limits: one reserved IP of each family per droplet,
// which must be active, and one pending event per droplet. The documents say one at a time
// and not whether one of each family counts as two.
func Rules() fakecloud.Rules {
	return fakecloud.Rules{MaxPerInstance4: 1, MaxPerInstance6: 1, SerializeInstances: true, NeedsRunning: true}
}

// New gives m the face of DigitalOcean and installs its [Rules]. It starts
// nothing.
func New(m *fakecloud.Model, o Options) *Server {
	m.SetRules(Rules())
	if o.OperationDelay == 0 {
		o.OperationDelay = OperationDelay
	}
	a := &api{
		model: m, options: o,
		limits:         newLimiter(o.RatePerHour, o.RatePerMinute),
		tokens:         map[string]Token{},
		operationDelay: o.OperationDelay, readLag: o.ReadLag, metadataLag: o.MetadataLag,
		metadata: map[string]*Metadata{},
	}
	for _, t := range o.Tokens {
		a.tokens[t.Value] = t
	}
	return &Server{
		Server: face.New(face.Options{Model: m, Vendor: a, Latency: o.Latency, Sources: o.Sources, Shape: o.Shape, Sparings: sparings}),
		api:    a,
	}
}

// AddToken makes t valid, replacing an earlier one of the same value.
func (s *Server) AddToken(t Token) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.tokens[t.Value] = t
}

// RevokeToken makes the token invalid from the next call on.
func (s *Server) RevokeToken(value string) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	delete(s.api.tokens, value)
}

// Spend counts so many calls more for a token, as if another program that has the same one
// had made them over the last minutes. They count for the limit of the hour alone.
func (s *Server) Spend(value string, calls int) {
	s.api.limits.spend(value, s.api.model.Now(), calls)
}

// SpendAllBut does that until so many calls of the token's hour are left.
func (s *Server) SpendAllBut(value string, spared int) {
	now := s.api.model.Now()
	s.api.limits.spend(value, now, s.api.limits.remaining(value)-spared)
}

// SetOperationDelay sets how long actions accepted from now on take; zero or
// less: at once.
func (s *Server) SetOperationDelay(d time.Duration) { s.api.set(&s.api.operationDelay, d) }

// SetReadLag makes API reads show the state of d ago.
func (s *Server) SetReadLag(d time.Duration) { s.api.set(&s.api.readLag, d) }

// SetMetadataLag makes the metadata show the reserved IPs of d ago.
func (s *Server) SetMetadataLag(d time.Duration) { s.api.set(&s.api.metadataLag, d) }

func (a *api) set(field *time.Duration, d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*field = d
}

func (a *api) get(field *time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *field
}

// view is the cloud as API reads see it.
func (a *api) view() fakecloud.View { return a.model.View(a.get(&a.readLag)) }
