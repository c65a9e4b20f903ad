// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"errors"
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
		{"the wrong node name", func(c *Cluster, _ *fakeCloud) {
			c.Nodes = []Node{lbA, {Name: "lb-b", Address: lbB.Address, Targets: map[string]string{"fake": "7"}}}
		},
			[]Finding{credentials, {"fake metadata", false, `nodes[].target.fake says "7", the metadata service "1002"; is this the right node name?`}, address, silent}},
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
