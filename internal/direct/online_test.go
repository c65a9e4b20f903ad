// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

func TestOnlineTriesEverythingAndReportsAll(t *testing.T) {
	t.Parallel()
	credentials := Finding{"fake credentials", true, "from token_file /etc/fipctl/token"}
	identity := Finding{"fake metadata", true, "this machine is 1002 in region nyc3"}
	instance := Finding{"fake instance", true, "the cloud knows 1002"}
	address := Finding{"web 203.0.113.10", true, "owned by lb-a (1001)"}
	move := Finding{"web 203.0.113.10 move here", true, "nothing speaks against it"}
	silent := Finding{"peer lb-a", false, "no answer from 10.0.4.20:7112; is its daemon running, and does UDP pass both ways?"}
	for _, tt := range []struct {
		name    string
		arrange func(*Cluster, *fakeCloud)
		want    []Finding
	}{
		{"all is well", func(c *Cluster, _ *fakeCloud) { c.Prober = daemonOn(lbA, election.Active) },
			[]Finding{credentials, identity, instance, address, move, {"peer lb-a", true, "answers at 10.0.4.20:7112"}}},
		{"an address that is already here needs no preflight", func(_ *Cluster, f *fakeCloud) {
			f.owner[webIP], f.flight = onB, errors.New("asked all the same")
		}, []Finding{credentials, identity, instance, {"web 203.0.113.10", true, "owned by lb-b (1002)"}, silent}},
		{"an unbound address", func(_ *Cluster, f *fakeCloud) { f.owner[webIP] = providers.Assignment{} },
			[]Finding{credentials, identity, instance, {"web 203.0.113.10", true, "owned by nobody"}, move, silent}},
		{"an owner that is no node", func(_ *Cluster, f *fakeCloud) {
			f.owner[webIP] = providers.Assignment{Target: providers.Target{Instance: "9"}}
		}, []Finding{credentials, identity, instance,
			{"web 203.0.113.10", true, "owned by 9, which is not recognised as a node; set nodes[].target.fake if it is one"}, move, silent}},
		{"no credentials, but an identity", func(c *Cluster, f *fakeCloud) {
			c.Clouds["fake"] = Cloud{Err: errors.New("no token found"), Metadata: f}
		}, []Finding{{"fake credentials", false, "no token found"}, identity, silent}},
		{"neither credentials nor a metadata service", func(c *Cluster, _ *fakeCloud) { c.Clouds["fake"] = Cloud{Err: errors.New("no token found")} },
			[]Finding{{"fake credentials", false, "no token found"}, silent}},
		{"everything fails", func(c *Cluster, f *fakeCloud) {
			f.idErr, f.readErr, c.Prober = errors.New("no answer from metadata"), errors.New("denied"), nil
		}, []Finding{credentials, {"fake metadata", false, "no answer from metadata"}, {"web 203.0.113.10", false, "denied"},
			{"peers", false, "this machine is not a node, so its peers cannot be asked; use --node"}}},
		{"an instance that the token does not see and a move that is refused", func(_ *Cluster, f *fakeCloud) {
			f.state, f.flight = providers.InstanceGone, errors.New("another region")
		}, []Finding{credentials, identity,
			{"fake instance", false, "the cloud says that 1002 is gone; do the token and this machine belong to the same account?"},
			address, {"web 203.0.113.10 move here", false, "another region"}, silent}},
		{"an address that leads to a private one", func(_ *Cluster, f *fakeCloud) {
			f.parts, f.identity.Target.PrivateIP = providers.PartPrivateIP, lbB.Address.Addr()
		}, []Finding{credentials, {"fake metadata", true, "this machine is 1002/10.0.4.21 in region nyc3"},
			{"fake instance", true, "the cloud knows 1002/10.0.4.21"}, address, move, silent}},
		{"the wrong node name", func(c *Cluster, _ *fakeCloud) {
			c.Nodes = []Node{lbA, {Name: "lb-b", Address: lbB.Address, Targets: map[string]string{"fake": "7"}}}
		},
			[]Finding{credentials, {"fake metadata", false, `nodes[].target.fake says "7", the metadata service "1002"; is this the right node name?`}, address, silent}},
		{"the address of this node is not here", func(c *Cluster, _ *fakeCloud) { c.Local = has(lbA.Address.Addr()) },
			[]Finding{{"node lb-b", false, "no interface of this machine has 10.0.4.21, the address of lb-b, as which it runs: it has that of lb-a; set node: lb-a, or run with --node lb-a"},
				credentials, identity, instance, address, move, silent}},
		{"nor is that of another", func(c *Cluster, _ *fakeCloud) { c.Local = has(webIP) },
			[]Finding{{"node lb-b", false, "no interface of this machine has 10.0.4.21, the address of lb-b, as which it runs: correct node or nodes[].address; where another address of this machine is translated to it, set listen to that one"},
				credentials, identity, instance, address, move, silent}},
		{"the address of this node is here", func(c *Cluster, _ *fakeCloud) { c.Local = has(lbB.Address.Addr()) },
			[]Finding{{"node lb-b", true, "this machine has 10.0.4.21"}, credentials, identity, instance, address, move, silent}},
		{"the kernel cannot be asked", func(c *Cluster, _ *fakeCloud) {
			c.Local = func(context.Context, netip.Addr) (bool, error) { return false, errors.New("not permitted") }
		}, []Finding{{"node lb-b", false, "whether this machine is lb-b cannot be told: not permitted"}, credentials, identity, instance, address, move, silent}},
		{"another region", func(c *Cluster, f *fakeCloud) {
			cloud := c.Clouds["fake"]
			cloud.Region = "ams3"
			c.Clouds["fake"] = cloud
		}, []Finding{credentials, {"fake metadata", false, "providers.fake.region says ams3, the metadata service nyc3: correct the file, or run it where the addresses are"}, address, silent}},
		{"a copy of a node's machine", func(_ *Cluster, f *fakeCloud) {
			f.owner[webIP] = providers.Assignment{Target: providers.Target{Instance: "1003"}, PrivateAddresses: []netip.Addr{lbA.Address.Addr()}}
		}, []Finding{credentials, identity, instance, {"web 203.0.113.10", false,
			"owned by 1003, which has the private address 10.0.4.20 of lb-a, and that is 1001: a copy of this machine, or does one run the file of another?"}, silent}},
		{"another node's daemon at the peer's address", func(c *Cluster, _ *fakeCloud) { c.Prober = fakeProber{lbA.Address: {Node: "lb-c"}} },
			[]Finding{credentials, identity, instance, address, move,
				{"peer lb-a", false, "lb-c answers at 10.0.4.20:7112; compare nodes[].address on all nodes"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, f := newFake(t)
			tt.arrange(c, f)
			if diff := cmp.Diff(tt.want, c.Online(t.Context())); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if len(f.calls) > 0 {
				t.Errorf("wrote: %v", f.calls)
			}
		})
	}
}

// has is a machine with one address.
func has(a netip.Addr) func(context.Context, netip.Addr) (bool, error) {
	return func(_ context.Context, of netip.Addr) (bool, error) { return of == a, nil }
}

// A machine that is not the node it is called gets nothing by that name, and the file's
// word about this machine counts only where there is no metadata service.
func TestThisMachineIsWhatItsMetadataServiceSays(t *testing.T) {
	t.Parallel()
	c, f := newFake(t)
	c.Nodes[1].Targets = map[string]string{"fake": "1001"}
	if got := c.nodeOf("fake", onA, f.identity.Target); got != "lb-a" {
		t.Errorf("what lb-a holds is of %q", got)
	}
	c.Nodes[0].Targets = nil
	if got := c.nodeOf("fake", onA, f.identity.Target); got != "" {
		t.Errorf("what the file says of this machine makes it %q", got)
	}
	c.Clouds["fake"] = Cloud{Kinds: c.Clouds["fake"].Kinds}
	if got := c.nodeOf("fake", onA, providers.Target{}); got != "lb-b" {
		t.Errorf("without a metadata service the file makes it %q", got)
	}
	c, _ = newFake(t)
	c.Local = has(lbA.Address.Addr())
	if _, err := c.identityOf(t.Context(), "fake", "lb-b"); err == nil || !strings.Contains(err.Error(), "set node: lb-a") {
		t.Errorf("a machine with another's address is lb-b: %v", err)
	}
}

func TestSnapshotSaysWhatTheCloudSays(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		arrange func(*Cluster, *fakeCloud)
		owner   status.Owner
		bound   string // the node whose line says so
		failure string
	}{
		{name: "a node known by its configured target", arrange: func(*Cluster, *fakeCloud) {},
			owner: status.Owner{Node: "lb-a", Target: "1001", State: status.OwnerNode}, bound: "lb-a"},
		{name: "this machine, known by its metadata", arrange: func(_ *Cluster, f *fakeCloud) {
			f.owner[webIP] = providers.Assignment{Target: onB.Target}
		}, owner: status.Owner{Node: "lb-b", Target: "1002", State: status.OwnerNode}, bound: "lb-b"},
		{name: "a node known by its private address", arrange: func(_ *Cluster, f *fakeCloud) {
			f.owner[webIP], f.idErr = onB, errors.New("no metadata here")
		}, owner: status.Owner{Node: "lb-b", Target: "1002", State: status.OwnerNode}, bound: "lb-b"},
		{name: "nobody", arrange: func(_ *Cluster, f *fakeCloud) { f.owner[webIP] = providers.Assignment{} },
			owner: status.Owner{State: status.OwnerNone}},
		{name: "a target outside the cluster", arrange: func(_ *Cluster, f *fakeCloud) {
			f.owner[webIP] = providers.Assignment{Target: providers.Target{Instance: "9"}}
		}, owner: status.Owner{Target: "9", State: status.OwnerForeign}},
		{name: "an address that cannot be read", arrange: func(_ *Cluster, f *fakeCloud) { f.readErr = errors.New("throttled") },
			owner: status.Owner{State: status.OwnerUnknown}, failure: "throttled"},
		{name: "a provider without credentials", arrange: func(c *Cluster, _ *fakeCloud) { c.Clouds["fake"] = Cloud{Err: errors.New("no token found")} },
			owner: status.Owner{State: status.OwnerUnknown}, failure: "no token found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, f := newFake(t)
			c.Now = func() time.Time { return now }
			tt.arrange(c, f)
			address := status.Address{Provider: "fake", Kind: "reserved-ip", IP: webIP, Owner: tt.owner, Bound: tt.bound == "lb-b", ReadError: tt.failure}
			if tt.failure == "" {
				address.VerifiedAt = now
			}
			want := status.Snapshot{
				Version: 1, Cluster: "web", Node: "lb-b", At: now, Source: status.SourceCloud,
				Groups: []status.Group{{Name: "web", VRID: 51, Role: "unknown", Conditions: []status.Condition{}, Addresses: []status.Address{address},
					Nodes: []status.Node{
						{Name: "lb-a", Role: "unknown", Bound: tt.bound == "lb-a", BoundUnknown: tt.failure != ""},
						{Name: "lb-b", Self: true, Role: "unknown", Bound: tt.bound == "lb-b", BoundUnknown: tt.failure != ""},
					}}},
			}
			if diff := cmp.Diff(want, c.Snapshot(t.Context()), cmpopts.EquateComparable(webIP)); diff != "" {
				t.Errorf("snapshot (-want +got):\n%s", diff)
			}
		})
	}
}
