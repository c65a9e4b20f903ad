// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// holders answers owner reads from a table; what it does not name is held here.
func holders(by map[providers.Address]providers.Assignment) func(context.Context, providers.Address) (providers.Assignment, error) {
	return func(_ context.Context, a providers.Address) (providers.Assignment, error) {
		if seen, ok := by[a]; ok {
			return seen, nil
		}
		return providers.Assignment{Target: here}, nil
	}
}

var cluster = []Node{
	{Name: "lb-a", Targets: []election.NodeTarget{{Provider: "cloud", Target: "1"}}},
	{Name: "lb-b", Targets: []election.NodeTarget{{Provider: "cloud", Target: "2"}}},
}

// stranger is a target outside of the cluster.
var stranger = providers.Target{Instance: "9"}

func TestWhatAReadTellsOfTheGroup(t *testing.T) {
	unheld := providers.Assignment{}
	tests := []struct {
		name    string
		by      map[providers.Address]providers.Assignment
		state   providers.InstanceState
		err     error
		hide    bool // the provider cannot tell how machines are
		owner   election.Owner
		stopped bool
	}{
		{name: "this node holds all", owner: node("lb-a")},
		{name: "a peer holds one", by: map[providers.Address]providers.Assignment{second: {Target: there}}, owner: node("lb-b")},
		{name: "nobody holds one", by: map[providers.Address]providers.Assignment{first: unheld}, owner: nobody},
		{name: "a stranger that runs", by: map[providers.Address]providers.Assignment{first: {Target: stranger}},
			state: providers.InstanceRunning, owner: foreign},
		{name: "a stranger that is stopped", by: map[providers.Address]providers.Assignment{first: {Target: stranger}},
			state: providers.InstanceStopped, owner: foreign, stopped: true},
		{name: "a stranger that is gone", by: map[providers.Address]providers.Assignment{second: {Target: stranger}},
			state: providers.InstanceGone, owner: foreign, stopped: true},
		{name: "a stranger of whom nothing is known", by: map[providers.Address]providers.Assignment{first: {Target: stranger}},
			state: providers.InstanceUnknown, owner: foreign},
		{name: "a stranger that cannot be asked about", by: map[providers.Address]providers.Assignment{first: {Target: stranger}},
			state: providers.InstanceStopped, hide: true, owner: foreign},
		{name: "a stranger about whom the question fails", by: map[providers.Address]providers.Assignment{first: {Target: stranger}},
			err: errOf(providers.Denied), owner: foreign},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				var p providers.Provider = &fake{owner: holders(tt.by), state: func(providers.Target) (providers.InstanceState, error) {
					return tt.state, tt.err
				}}
				if tt.hide {
					p = bare{p}
				}
				o := newBench(t, p).do(t, Job{Kind: JobRead, Nodes: cluster})
				if o.Owner != tt.owner || o.Stopped != tt.stopped || o.Err != nil {
					t.Errorf("got %+v, stopped %v, %v", o.Owner, o.Stopped, o.Err)
				}
			})
		})
	}
}

func TestOfTwoStrangersBothMustBeStopped(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := &fake{
			owner: holders(map[providers.Address]providers.Assignment{first: {Target: stranger}, second: {Target: providers.Target{Instance: "8"}}}),
			state: func(target providers.Target) (providers.InstanceState, error) {
				if target == stranger {
					return providers.InstanceRunning, nil
				}
				return providers.InstanceStopped, nil
			},
		}
		if o := newBench(t, f).do(t, Job{Kind: JobRead, Nodes: cluster}); o.Stopped {
			t.Error("one that runs counts as stopped")
		}
	})
}

func TestAReadThatFailsForOneAddressTellsNoOwner(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		failure := errOf(providers.Throttled)
		f := &fake{owner: func(_ context.Context, a providers.Address) (providers.Assignment, error) {
			if a == first {
				return providers.Assignment{}, failure
			}
			return providers.Assignment{Target: stranger}, nil
		}}
		o := newBench(t, f).do(t, Job{Kind: JobRead, Nodes: cluster})
		want := Outcome{
			Job: Job{Kind: JobRead, Nodes: cluster}, Began: now, Ended: now, Err: failure,
			Reads: []providers.Assignment{{}, {Target: stranger}}, ReadErrs: []error{failure, nil},
		}
		if diff := cmp.Diff(want, o, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateErrors(), cmpopts.IgnoreFields(Job{}, "Permit")); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"owner 203.0.113.10", "owner 2001:db8::10"}, f.noted()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestAnAcceptedMoveIsTrackedUntilTheReadSaysMe(t *testing.T) {
	operations := []providers.Result{{Operation: "71"}, {Operation: "72"}}
	tests := []struct {
		name  string
		by    map[providers.Address]providers.Assignment
		track []providers.Result
		state providers.OperationState
		err   error
		calls []string
		want  []int
	}{
		{"a failed one is told", map[providers.Address]providers.Assignment{first: {Target: there}}, operations,
			providers.OperationFailed, nil, []string{"operation 71"}, []int{0}},
		{"two failed ones are told", map[providers.Address]providers.Assignment{first: {Target: there}, second: {}}, operations,
			providers.OperationFailed, nil, []string{"operation 71", "operation 72"}, []int{0, 1}},
		{"one that is done proves nothing", map[providers.Address]providers.Assignment{first: {Target: there}}, operations,
			providers.OperationDone, nil, []string{"operation 71"}, nil},
		{"one that cannot be asked about proves nothing", map[providers.Address]providers.Assignment{first: {Target: there}}, operations,
			providers.OperationUnknown, errOf(providers.Denied), []string{"operation 71"}, nil},
		{"none is asked about that the read has settled", nil, operations, providers.OperationFailed, nil, nil, nil},
		{"a move without a number is not asked about", map[providers.Address]providers.Assignment{first: {Target: there}},
			make([]providers.Result, 2), providers.OperationFailed, nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := &fake{owner: holders(tt.by), operation: func(context.Context, providers.Result) (providers.OperationState, error) {
					return tt.state, tt.err
				}}
				o := newBench(t, f).do(t, Job{Kind: JobRead, Nodes: cluster, Track: tt.track})
				if diff := cmp.Diff(tt.want, o.FailedMoves); diff != "" {
					t.Errorf("failed moves (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(append([]string{"owner 203.0.113.10", "owner 2001:db8::10"}, tt.calls...), f.noted()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTrackingDoesNotMakeAReadSlow(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := &fake{
			owner: holders(map[providers.Address]providers.Assignment{first: {Target: there}}),
			operation: func(ctx context.Context, _ providers.Result) (providers.OperationState, error) {
				return providers.OperationUnknown, hang(ctx)
			},
		}
		start := time.Now()
		o := newBench(t, f).do(t, Job{Kind: JobRead, Nodes: cluster, Track: []providers.Result{{Operation: "71"}, {}}})
		if o.Ended != o.Began || time.Since(start) != trackTimeout {
			t.Errorf("the read took %v, the job %v", o.Ended.Sub(o.Began), time.Since(start))
		}
	})
}
