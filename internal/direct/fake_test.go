// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// fakeCloud holds one address per IP. A write takes effect after delay reads.
type fakeCloud struct {
	mu       sync.Mutex
	atomic   bool
	announce bool // moves without the API
	owner    map[netip.Addr]providers.Assignment
	next     map[netip.Addr]providers.Assignment // takes effect when delay is used up
	delay    int                                 // reads that still see the old owner
	left     int
	readErr  error
	writeErr []error // of the next writes; nil entries succeed
	applied  bool    // a write that fails takes effect all the same
	identity metadata.Identity
	idErr    error
	flight   error // of Preflight
	state    providers.InstanceState
	parts    providers.TargetParts // zero: the instance
	calls    []string              // writes, in their order
}

func (f *fakeCloud) Capabilities() providers.Capabilities {
	return providers.Capabilities{Target: cmp.Or(f.parts, providers.PartInstance), AtomicMove: f.atomic, MovesWithoutAPI: f.announce, IPv4: true, MoveTimeout: time.Minute}
}

func (f *fakeCloud) Owner(_ context.Context, a providers.Address) (providers.Assignment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readErr != nil {
		return providers.Assignment{}, f.readErr
	}
	if to, ok := f.next[a.IP]; ok {
		if f.left > 0 {
			f.left--
		} else {
			f.owner[a.IP] = to
			delete(f.next, a.IP)
		}
	}
	return f.owner[a.IP], nil
}

func (f *fakeCloud) Assign(_ context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf("%s: %s -> %s", a, seen.Target, to))
	var err error
	if len(f.writeErr) > 0 {
		err, f.writeErr = f.writeErr[0], f.writeErr[1:]
	}
	if err != nil && !f.applied {
		return providers.Result{}, err
	}
	after := providers.Assignment{Target: to}
	if !f.atomic && !seen.Target.IsZero() {
		after = providers.Assignment{}
	}
	f.next[a.IP], f.left = after, f.delay
	return providers.Result{}, err
}

// InstanceState knows machines by nothing but their id.
func (f *fakeCloud) InstanceState(_ context.Context, t providers.Target) (providers.InstanceState, error) {
	if t != (providers.Target{Instance: t.Instance}) || t.IsZero() {
		return providers.InstanceUnknown, nil
	}
	return f.state, nil
}

func (f *fakeCloud) Preflight(context.Context, providers.Address, providers.Target) error {
	return f.flight
}

func (f *fakeCloud) Cloud() string { return "fake" }

func (f *fakeCloud) Identity(context.Context) (metadata.Identity, error) { return f.identity, f.idErr }

// fakeProber answers for the daemons that run.
type fakeProber map[netip.AddrPort]Answer

func (p fakeProber) Probe(_ context.Context, to netip.AddrPort) (Answer, error) {
	if a, ok := p[to]; ok {
		return a, nil
	}
	return Answer{}, fmt.Errorf("probe %s: %w", to, ErrSilent)
}

var (
	webIP = netip.MustParseAddr("203.0.113.10")
	lbA   = Node{Name: "lb-a", Address: netip.MustParseAddrPort("10.0.4.20:7112"), Targets: map[string]string{"fake": "1001"}}
	lbB   = Node{Name: "lb-b", Address: netip.MustParseAddrPort("10.0.4.21:7112")}
	onA   = providers.Assignment{Target: providers.Target{Instance: "1001"}}
	onB   = providers.Assignment{Target: providers.Target{Instance: "1002"}, PrivateAddresses: []netip.Addr{lbB.Address.Addr()}}
)

// newFake is a cloud in which lb-a owns the address, seen from lb-b, no daemon
// running.
func newFake(t *testing.T) (*Cluster, *fakeCloud) {
	t.Helper()
	f := &fakeCloud{
		atomic: true, state: providers.InstanceRunning,
		owner:    map[netip.Addr]providers.Assignment{webIP: onA},
		next:     map[netip.Addr]providers.Assignment{},
		identity: metadata.Identity{Target: onB.Target, Region: "nyc3"},
	}
	return &Cluster{
		ID: "web", Self: "lb-b", Own: lbB.Address.Addr(), Nodes: []Node{lbA, lbB},
		Groups: []Group{{Name: "web", VRID: 51, Addresses: []providers.Address{{Provider: "fake", Kind: "reserved-ip", IP: webIP}}}},
		Clouds: map[string]Cloud{"fake": {Kinds: map[string]providers.Provider{"reserved-ip": f}, Metadata: f, Credentials: "token_file /etc/fipctl/token"}},
		Prober: fakeProber{}, Now: time.Now,
	}, f
}

// daemonOn makes the daemon of a node answer with a role.
func daemonOn(n Node, role election.Role) fakeProber {
	return fakeProber{n.Address: {Node: n.Name, Groups: []wire.ProbeGroup{{VRID: 51, Role: role, Healthy: true}}}}
}
