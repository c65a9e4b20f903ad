// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

var (
	nobody  = election.Owner{Kind: election.OwnerNone}
	foreign = election.Owner{Kind: election.OwnerForeign}
)

func node(name string) election.Owner { return election.Owner{Kind: election.OwnerNode, Node: name} }

func TestLocate(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr
	nodes := []Node{
		{Name: "lb-a", Address: addr("10.0.4.20"), Said: []election.NodeTarget{{Provider: "cloud", Target: "1"}}},
		{Name: "lb-b", Address: addr("10.0.4.21"), Said: []election.NodeTarget{{Provider: "other", Target: "2"}, {Provider: "cloud", Target: "4/eni-9"}}},
		{Name: "lb-c"},
		{Name: "lb-d", Address: addr("10.0.4.23")},
	}
	at := func(t providers.Target, private ...string) providers.Assignment {
		seen := providers.Assignment{Target: t}
		for _, a := range private {
			seen.PrivateAddresses = append(seen.PrivateAddresses, addr(a))
		}
		return seen
	}
	tests := []struct {
		name string
		seen providers.Assignment
		want election.Owner
	}{
		{"no target is nobody", providers.Assignment{PrivateAddresses: []netip.Addr{addr("10.0.4.20")}}, nobody},
		{"a node is known by its target", providers.Assignment{Target: providers.Target{Instance: "1"}}, node("lb-a")},
		{"all parts of a target count", providers.Assignment{Target: providers.Target{Instance: "4", Interface: "eni-9"}}, node("lb-b")},
		{"a kind may need a part of a target only", providers.Assignment{Target: providers.Target{Instance: "4"}}, node("lb-b")},
		{"any part", providers.Assignment{Target: providers.Target{Interface: "eni-9"}}, node("lb-b")},
		{"another interface of the same machine is the node's", at(providers.Target{Instance: "4", Interface: "eni-8"}), node("lb-b")},
		{"an interface of a machine of which no interface is known", at(providers.Target{Instance: "1", Interface: "eni-1"}), node("lb-a")},
		{"where no machine is told the interface decides", at(providers.Target{Interface: "eni-8"}, "10.0.4.21"), foreign},
		{"the target of another provider is another target", providers.Assignment{Target: providers.Target{Instance: "2"}}, foreign},
		{"a node is known by its private address", at(providers.Target{Instance: "7"}, "10.9.9.9", "10.0.4.23"), node("lb-d")},
		{"what is known at another provider only does not speak against it", at(providers.Target{PrivateIP: addr("10.0.4.20")}, "10.0.4.20"), node("lb-a")},
		{"a copy of a machine has its address and is another", at(providers.Target{Instance: "1003"}, "10.0.4.20"), foreign},
		{"a copy whose interface is told too", at(providers.Target{Instance: "1003", Interface: "eni-9"}, "10.0.4.21"), foreign},
		{"the addresses of two nodes name neither", at(providers.Target{Instance: "7"}, "10.0.4.20", "10.0.4.23"), foreign},
		{"the target counts before the address", at(providers.Target{Instance: "1"}, "10.0.4.23"), node("lb-a")},
		{"an address that is not configured is nobody's", providers.Assignment{
			Target: providers.Target{Instance: "7"}, PrivateAddresses: []netip.Addr{{}, addr("10.0.4.99")}}, foreign},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Locate("cloud", tt.seen, nodes); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// A foreign owner that looks like nodes is told with them.
func TestWhomAForeignOwnerLooksLike(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr
	nodes := []Node{
		{Name: "lb-a", Address: addr("10.0.4.20"), Said: []election.NodeTarget{{Provider: "cloud", Target: "1"}}},
		{Name: "lb-b", Address: addr("10.0.4.21")},
	}
	for name, tt := range map[string]struct {
		id      string
		private []netip.Addr
		want    []string
	}{
		"a node itself":    {"1", []netip.Addr{addr("10.0.4.20")}, nil},
		"a copy":           {"3", []netip.Addr{addr("10.0.4.20")}, []string{"lb-a"}},
		"one of two":       {"3", []netip.Addr{addr("10.0.4.20"), addr("10.0.4.21")}, []string{"lb-a", "lb-b"}},
		"nobody of ours":   {"3", []netip.Addr{addr("10.0.4.99")}, nil},
		"known by address": {"3", []netip.Addr{addr("10.0.4.21")}, nil},
		"nobody holds it":  {"", []netip.Addr{addr("10.0.4.20")}, nil},
	} {
		var got []string
		for _, n := range Conflict("cloud", providers.Assignment{Target: providers.Target{Instance: tt.id}, PrivateAddresses: tt.private}, nodes) {
			got = append(got, n.Name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s looks like %v, want %v", name, got, tt.want)
		}
	}
}

func TestWhatANodeSaysOfItselfBeatsTheFile(t *testing.T) {
	t.Parallel()
	says := func(target string) []election.NodeTarget {
		return []election.NodeTarget{{Provider: "cloud", Target: target}}
	}
	file := func(target string) map[string]string { return map[string]string{"cloud": target} }
	for name, tt := range map[string]struct {
		nodes []Node
		want  election.Owner // of target 1
	}{
		"the file, where nothing is said": {[]Node{{Name: "lb-a", File: file("1")}}, node("lb-a")},
		"not where something is":          {[]Node{{Name: "lb-a", Said: says("2"), File: file("1")}}, foreign},
		"what is said":                    {[]Node{{Name: "lb-a", Said: says("1"), File: file("2")}}, node("lb-a")},
		"a file that swaps two nodes, one of them heard": {
			[]Node{{Name: "lb-a", File: file("1")}, {Name: "lb-b", Said: says("1"), File: file("2")}}, node("lb-b")},
		"what is said at another provider is another thing": {
			[]Node{{Name: "lb-a", File: file("1")}, {Name: "lb-b", Said: []election.NodeTarget{{Provider: "other", Target: "1"}}}}, node("lb-a")},
	} {
		if got := Locate("cloud", providers.Assignment{Target: providers.Target{Instance: "1"}}, tt.nodes); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestCombine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		owners []election.Owner
		want   election.Owner
	}{
		{"all here is here", []election.Owner{node("lb-a"), node("lb-a")}, node("lb-a")},
		{"one at a peer is the peer's", []election.Owner{node("lb-a"), node("lb-b")}, node("lb-b")},
		{"of two peers the first counts", []election.Owner{node("lb-c"), node("lb-b")}, node("lb-c")},
		{"one with nobody is nobody's", []election.Owner{node("lb-a"), nobody}, nobody},
		{"a peer counts more than nobody", []election.Owner{nobody, node("lb-b")}, node("lb-b")},
		{"a stranger counts most", []election.Owner{node("lb-b"), foreign, nobody}, foreign},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Combine("lb-a", tt.owners); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// Two nodes that claim the same addresses at once each see what they won go away
// again; both must notice, whoever else holds the rest.
func TestWhatWasWonAndIsElsewhereWasTaken(t *testing.T) {
	t.Parallel()
	term := election.Term{Number: 3, Node: "a"}
	st := State{Term: term, Addresses: []AddressState{{From: there, WonAt: ago(ms(900))}, {From: there}}}
	own := []providers.Target{here, here}
	third := providers.Target{Instance: "3"}
	tests := []struct {
		name             string
		seen             []providers.Assignment
		unchanged, taken bool
	}{
		{"what it won is still here", []providers.Assignment{{Target: here}, {Target: there}}, true, false},
		{"what it won is elsewhere", []providers.Assignment{{Target: there}, {Target: here}}, false, true},
		{"nobody holds what it won", []providers.Assignment{{}, {Target: there}}, true, false},
		{"the rest is with a third", []providers.Assignment{{Target: here}, {Target: third}}, false, false},
	}
	for _, tt := range tests {
		if unchanged, taken := st.Against(term, tt.seen, own); unchanged != tt.unchanged || taken != tt.taken {
			t.Errorf("%s: unchanged is %v, taken is %v", tt.name, unchanged, taken)
		}
	}
	if unchanged, _ := st.Against(election.Term{}, tests[0].seen, own); unchanged {
		t.Error("another claim's beginning counts")
	}
}

func TestAddressesWithSeveralOwnersArePartial(t *testing.T) {
	t.Parallel()
	a, b := election.Owner{Kind: election.OwnerNode, Node: "a"}, election.Owner{Kind: election.OwnerNode, Node: "b"}
	if Partial([]election.Owner{a, a}) || !Partial([]election.Owner{a, b}) || Partial([]election.Owner{b}) {
		t.Error("partial is not whether the owners differ")
	}
}

// What was here a moment ago and is not by the newest read is stale or taken away;
// neither is a reason to write before SettleTime is over.
func TestWhatWasJustHereIsNotClaimedOnOneRead(t *testing.T) {
	t.Parallel()
	pol := onePolicy(func(p *AddressPolicy) { p.SettleTime = 5 * time.Second })
	st := State{Term: term, Addresses: []AddressState{
		{Known: true, Began: ago(ms(80)), Ended: ago(ms(40)), Seen: providers.Assignment{Target: there}, WonAt: ago(ms(900))}}}
	_, d := Decide(pol, st, leading(nil))
	if d.Step == Write || d.Reason != election.ReasonConfirming {
		t.Errorf("decides to %s (%s)", d.Step, d.Reason)
	}
	pol.Addresses[0].SettleTime = 0
	if _, d = Decide(pol, st, leading(nil)); d.Step != Write {
		t.Errorf("without a SettleTime it decides to %s (%s)", d.Step, d.Reason)
	}
}
