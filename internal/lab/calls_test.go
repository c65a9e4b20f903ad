// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

func TestACallIsNamedByWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what    string
		names   []callName
		machine string
		entry   fakecloud.Entry
		want    callKind
	}{
		{"a read of one address", doCalls, "1001", fakecloud.Entry{Path: "/v2/reserved_ips/192.0.2.1"}, callOwner},
		{"a list of addresses", doCalls, "1001", fakecloud.Entry{Path: "/v2/reserved_ipv6"}, callOwner},
		{"an action of an address", doCalls, "1001", fakecloud.Entry{Path: "/v2/reserved_ips/192.0.2.1/actions/1001"}, callOperation},
		{"the addresses of a machine", tencentCalls, "ins-1", fakecloud.Entry{Action: "DescribeAddresses", Body: `{"Filters":[{"Name":"instance-id","Values":["ins-1"]}]}`}, callPreflight},
		{"an EIP", tencentCalls, "ins-1", fakecloud.Entry{Action: "DescribeAddresses", Body: `{"AddressIds":["eip-1"]}`}, callOwner},
		{"an action", doCalls, "1001", fakecloud.Entry{Path: "/v2/actions/1001"}, callOperation},
		{"another droplet", doCalls, "1001", fakecloud.Entry{Path: "/v2/droplets/1002"}, callMachine},
		{"the own droplet", doCalls, "1001", fakecloud.Entry{Path: "/v2/droplets/1001"}, callPreflight},
		{"what is not named", doCalls, "1001", fakecloud.Entry{Path: "/v2/account"}, callPreflight},
		{"a write", doCalls, "1001", fakecloud.Entry{Path: "/v2/reserved_ips/192.0.2.1/actions", Write: true}, callWrite},
		{"an action's name before its path", tencentCalls, "ins-1", fakecloud.Entry{Path: "/", Action: "DescribeTaskResult"}, callOperation},
		{"another machine in the body", tencentCalls, "ins-1", fakecloud.Entry{Action: "DescribeInstances", Body: `{"InstanceIds":["ins-2"]}`}, callMachine},
		{"the own machine in the body", tencentCalls, "ins-1", fakecloud.Entry{Action: "DescribeInstances", Body: `{"InstanceIds":["ins-1"]}`}, callPreflight},
		{"somebody unknown", jdCalls, "", fakecloud.Entry{Action: "describeInstance", Path: "/instances/i-1"}, callMachine},
	} {
		if got := kindOfCall(test.entry, test.names, test.machine); got != test.want {
			t.Errorf("%s: %d, want %d", test.what, got, test.want)
		}
	}
}

func made(node string, kind callKind, from, to int) call {
	return call{span{node, at(from), at(to)}, kind}
}

func TestATakeoverIsCountedFromTheFaultUntilItIsSeen(t *testing.T) {
	t.Parallel()
	cs := []call{
		made("lb-b", callOwner, 50, 150), // before the fault
		made("lb-a", callOwner, 100, 200),
		made("lb-b", callPreflight, 110, 210),
		made("lb-b", callMachine, 300, 400),
		made("lb-b", callWrite, 500, 600),
		made("lb-b", callOperation, 700, 1050),
		made("lb-a", callOwner, 900, 1020), // not the new owner's
		made("lb-b", callOwner, 800, 990),  // answered before the move
		made("lb-b", callOwner, 950, 1100),
		made("lb-b", callOwner, 1101, 1200), // afterwards
	}
	end, ok := seenBy(cs, "lb-b", at(1000))
	if !ok || !end.Equal(at(1100)) {
		t.Errorf("seen %v at %v", ok, end)
	}
	want := callCounts{Owner: 4, Operation: 1, Machine: 1, Preflight: 1, Write: 1}
	if diff := cmp.Diff(want, countCalls(cs, at(100), end)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want.reads() != 7 {
		t.Errorf("%d reads", want.reads())
	}
	if _, ok := seenBy(cs[:8], "lb-b", at(1000)); ok {
		t.Error("a move that nobody has seen is seen")
	}
}

func TestOwnerReadsThatWereWaitedForAreCountedInTurn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		calls []call
		want  int
	}{
		"none": {nil, 0},
		"one that was answered before counts no more": {[]call{made("lb-b", callOwner, 100, 200)}, 0},
		"one under way":       {[]call{made("lb-b", callOwner, 100, 300)}, 1},
		"side by side":        {[]call{made("lb-b", callOwner, 100, 300), made("lb-b", callOwner, 150, 350)}, 1},
		"one after the other": {[]call{made("lb-b", callOwner, 150, 250), made("lb-b", callOwner, 250, 350)}, 2},
		"the middle one of three that overlap in turn": {[]call{made("lb-b", callOwner, 100, 250), made("lb-b", callOwner, 240, 300), made("lb-b", callOwner, 260, 390)}, 2},
		"of others, and for other things": {[]call{
			made("lb-a", callOwner, 150, 250), made("lb-b", callMachine, 250, 350), made("lb-b", callOwner, 350, 390)}, 1},
		"what was answered later held nothing up": {[]call{made("lb-b", callOwner, 150, 450)}, 0},
	} {
		if got := inTurn(test.calls, "lb-b", at(200), at(400)); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestOnlyTheNewOwnersReadsBeforeItsWriteAreWaitedFor(t *testing.T) {
	t.Parallel()
	cs := []call{made("lb-b", callOwner, 300, 450), made("lb-b", callOwner, 450, 600)}
	p := phases{Detect: ms(300), Decide: ms(205), To: "lb-b"} // from 400 to 605
	if got := waitedFor(p, at(100), time.Time{}, cs); got != 2 {
		t.Errorf("%d, want 2", got)
	}
	cs = append(cs, made("lb-b", callOwner, 200, 300))
	if got := waitedFor(p, at(100), at(250), cs); got != 3 {
		t.Errorf("%d since the timer's end, want 3", got)
	}
	if got := waitedFor(p, at(100), at(500), cs); got != 2 {
		t.Errorf("%d if the timer ended after the decision, want 2", got)
	}
	if p.Decide = nil; waitedFor(p, at(100), time.Time{}, cs) != 0 {
		t.Error("without a write there is nothing that was waited for")
	}
}

func TestAMoveIsFoundAfterTheFaultAndToItsOwner(t *testing.T) {
	t.Parallel()
	events := []event{moved(50, "", "lb-b"), moved(200, "lb-a", ""), moved(300, "", "lb-b")}
	if when, ok := firstMove(events, at(100), "lb-b"); !ok || !when.Equal(at(300)) {
		t.Errorf("%v at %v", ok, when)
	}
	if _, ok := firstMove(events, at(100), ""); ok {
		t.Error("to nobody is no takeover")
	}
	if _, ok := firstMove(nil, time.Time{}, "lb-b"); ok {
		t.Error("no event is a move")
	}
}
