// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func names(ss []scenario) (ns []string) {
	for _, s := range ss {
		ns = append(ns, s.name)
	}
	return ns
}

func TestChoose(t *testing.T) {
	t.Parallel()
	defaults := []string{"service-stopped", "stopped", "killed", "assign", "drained", "peer-link-cut", "reply-lost", "slow-api", "very-slow-api", "restart-owner", "paused-owner"}
	others := []string{
		"slow-assign", "api-hangs", "replies-swallowed",
		"daemon-killed-no-probe", "crash-loop", "daemon-killed-service-lives", "paused-both", "preempt-back", "both-restart", "cloud-down", "cloud-down-standby", "stolen-follow", "stolen-reclaim",
		"unbound-start", "foreign-owner", "link-cut-blind", "one-way-cut", "link-cut-owner-dies", "link-cut-service-dies",
		"three-nodes", "write-denied", "bad-token-on-standby", "key-mismatch", "handover-fails", "flapping-check", "calls-used-up", "address-removed", "never-heard", "both-rebooted-one-back", "wrong-file",
	}
	every := append(append([]string{}, defaults...), others...)
	for name, test := range map[string]struct {
		asked, want []string
		err         string
	}{
		"nothing asked is the default set":  {nil, defaults, ""},
		"all is every one":                  {[]string{"all"}, every, ""},
		"all beside a name is every one":    {[]string{"killed", "all"}, every, ""},
		"what is played by hand is named":   {[]string{"at-rest"}, []string{"at-rest"}, ""},
		"names keep the order they came in": {[]string{"killed", "assign"}, []string{"killed", "assign"}, ""},
		"unknown names are named together": {
			[]string{"killed", "kill", "bored"}, nil,
			"choose scenarios: unknown \"kill\", \"bored\"; `fipctl lab --list` shows them, `all` runs those that are not marked -",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := choose(scenarios(), test.asked)
			if diff := cmp.Diff(test.want, names(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != test.err {
				t.Errorf("error %q\n want %q", text, test.err)
			}
		})
	}
}

func TestEveryScenarioIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range scenarios() {
		if s.name == "" || s.story == "" || s.act == nil || seen[s.name] || len(s.story) > 100 {
			t.Errorf("scenario %q: a name, a short story or the act is missing, or the name is not unique", s.name)
		}
		seen[s.name] = true
	}
}

func TestWhatIsWantedDependsOnHowAnAddressMoves(t *testing.T) {
	t.Parallel()
	route := oneCall()
	route.tables = 2
	moved := want{moves: exactly(1), writes: exactly(1), noFail: true}
	still := want{noFail: true}
	unbound := want{moves: exactly(1), writes: exactly(1), unbound: true}
	refused := want{writes: exactly(1), refused: true}
	denied := want{moves: exactly(1), writes: exactly(1), denied: true}
	lagging := want{moves: exactly(1), lagging: true, noFail: true}
	with := func(w want, writes limits, noFail bool) want {
		w.writes, w.noFail = writes, noFail
		return w
	}
	for name, test := range map[string]struct {
		want, got want
	}{
		"one call stays as it is":                 {moved, moved.of(oneCall())},
		"two calls are two writes, and a gap":     {with(moved, exactly(2), false), moved.of(twoCalls())},
		"an announcement is none":                 {with(moved, exactly(0), true), moved.of(announced())},
		"each route table is written":             {with(moved, exactly(2), true), moved.of(route)},
		"without a move there is no gap":          {still, still.of(twoCalls())},
		"a bound is scaled at both ends":          {with(want{moves: limits{1, 3}}, limits{2, 6}, false), want{moves: limits{1, 3}, writes: limits{1, 3}}.of(twoCalls())},
		"what nobody holds need not be detached":  {unbound, unbound.of(twoCalls())},
		"but is bound in each table":              {with(unbound, exactly(2), false), unbound.of(route)},
		"a refused detach is followed by nothing": {refused, refused.of(twoCalls())},
		"each table can be refused":               {with(refused, limits{1, 2}, false), refused.of(route)},
		"one that is denied is written beside":    {with(denied, exactly(2), false), denied.of(oneCall())},
		"a denied detach is too":                  {with(denied, exactly(3), false), denied.of(twoCalls())},
		"or one for each table":                   {with(denied, limits{3, 4}, false), denied.of(route)},
		"a hand in the console makes no gap":      {lagging, lagging.of(twoCalls())},
		"but the guest does not know of it":       {with(lagging, exactly(0), false), lagging.of(announced())},
	} {
		if test.got != test.want {
			t.Errorf("%s: %+v, want %+v", name, test.got, test.want)
		}
	}
}

func TestAScenarioSaysWhyItDoesNotApply(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		counted := oneCall()
		counted.countsCalls = true
		if why := s.unfit(counted); why != "" && s.name != "address-removed" {
			t.Errorf("%s does not apply to the simplest kind of address: %s", s.name, why)
		}
	}
	removed, _ := find(scenarios(), "address-removed")
	if got, there := removed.unfit(oneCall()), removed.unfit(announced()); got != "the machine does not have the address" || there != "" {
		t.Errorf("address-removed where the machine has nothing: %q, and where it has the address: %q", got, there)
	}
	used, _ := find(scenarios(), "calls-used-up")
	if got := used.unfit(oneCall()); got != "the cloud does not tell how many calls remain" {
		t.Errorf("calls-used-up where nothing is told: %q", got)
	}
	lost, _ := find(scenarios(), "reply-lost")
	if got := lost.unfit(announced()); got != "no call moves the address, its owner announces it" {
		t.Errorf("reply-lost of what is announced: %q", got)
	}
}

func TestViolated(t *testing.T) {
	t.Parallel()
	w := want{moves: exactly(1), writes: limits{1, 2}, noFail: true, owner: standbyNode}
	prompt := want{prompt: true, owner: anyNode}
	for name, test := range map[string]struct {
		want   want
		counts counts
		text   string
	}{
		"all holds":      {w, counts{moves: 1, writes: 1, failed: 0, owner: "lb-b"}, ""},
		"the most holds": {w, counts{moves: 1, writes: 2, failed: 0, owner: "lb-b"}, ""},
		"too many of everything": {
			w, counts{moves: 2, writes: 3, failed: 1, owner: "lb-a"},
			"2 moves instead of 1, 3 writes instead of 1 to 2, 1 failed request instead of none, the final owner is lb-a instead of lb-b",
		},
		"too few": {w, counts{moves: 0, writes: 0, failed: 0, owner: ""}, "0 moves instead of 1, 0 writes instead of 1 to 2, the final owner is nobody instead of lb-b"},
		"a claim that a stall ended is made again": {w, counts{moves: 1, writes: 3, owner: "lb-b", stalls: 1}, ""},
		"once":                             {w, counts{moves: 1, writes: 4, owner: "lb-b", stalls: 1}, "4 writes instead of 1 to 3"},
		"one read under way is waited for": {prompt, counts{waited: 1}, ""},
		"a second is not":                  {prompt, counts{waited: 2}, "2 owner reads, one after the other, before the first write instead of 1 at most"},
		"failures and the owner do not matter": {
			want{moves: exactly(1), writes: exactly(1), owner: anyNode}, counts{moves: 1, writes: 1, failed: 7, owner: "lb-a"}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.want.violated(test.counts); got != test.text {
				t.Errorf("got %q\nwant %q", got, test.text)
			}
		})
	}
}
