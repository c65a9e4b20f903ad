// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

func TestParseLog(t *testing.T) {
	t.Parallel()
	const stamp = `"time":"2026-11-21T12:00:00.5Z",`
	changed := event{At: at(500), Kind: eventRole, Who: "lb-b", From: "backup", To: "active", Reason: "owner-silent"}
	with := func(what string) event { e := changed; e.What = what; return e }
	for name, test := range map[string]struct {
		line string
		want event
		ok   bool
	}{
		"a change of role": {
			`{` + stamp + `"level":"INFO","msg":"role changed","group":"web","from":"backup","to":"active","term":7,"reason":"owner-silent"}`,
			with("backup -> active, term 7"), true,
		},
		"a term with its node": {
			`{` + stamp + `"level":"INFO","msg":"role changed","from":"backup","to":"active","term":{"Number":7,"Node":"lb-b"},"reason":"owner-silent"}`,
			with("backup -> active, term 7"), true,
		},
		"a term as text": {
			`{` + stamp + `"level":"INFO","msg":"role changed","from":"backup","to":"active","term":"7/lb-b","reason":"owner-silent"}`,
			with("backup -> active, term 7/lb-b"), true,
		},
		"no term yet": {
			`{` + stamp + `"level":"INFO","msg":"role changed","from":"backup","to":"active","term":0,"reason":"owner-silent"}`,
			with("backup -> active"), true,
		},
		"a warning": {
			`{` + stamp + `"level":"WARN","msg":"read owner","error":"connection reset"}`,
			event{At: at(500), Kind: eventLog, Who: "lb-b", What: "warn: read owner: connection reset"}, true,
		},
		"a condition": {
			`{` + stamp + `"level":"WARN","msg":"condition","code":"no-standby","text":"lb-a is not heard"}`,
			event{At: at(500), Kind: eventLog, Who: "lb-b", What: "warn: condition: no-standby"}, true,
		},
		"a failing check": {
			`{` + stamp + `"level":"WARN","msg":"check changed","check":"service","state":"failing","reason":"check-failed"}`,
			event{At: at(500), Kind: eventLog, Who: "lb-b", What: "warn: check changed: service: failing", Reason: "check-failed"}, true,
		},
		"an ordinary line is no event": {`{` + stamp + `"level":"INFO","msg":"ready"}`, event{}, false},
		"whatever its attributes are":  {`{` + stamp + `"level":"INFO","msg":"ended","code":0,"from":[1]}`, event{}, false},
		"without a time it was now": {
			`{"level":"ERROR","msg":"read file"}`,
			event{At: at(900), Kind: eventLog, Who: "lb-b", What: "error: read file"}, true,
		},
		"a panic is shown": {
			`panic: invariant 1`, event{At: at(900), Kind: eventLog, Who: "lb-b", What: "panic: invariant 1"}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := parseLog("lb-b", test.line, at(900))
			if diff := cmp.Diff(test.want, got); diff != "" || ok != test.ok {
				t.Errorf("event %v (-want +got):\n%s", ok, diff)
			}
		})
	}
	if _, ok := parseLog("lb-b", "  ", at(0)); ok {
		t.Error("an empty line is an event")
	}
}

func TestCloudEventsAreTheWritesAndTheMovesOfTheAddress(t *testing.T) {
	t.Parallel()
	c := memoryCloud(t, digitalOceanOffers()[0])
	ip, other := c.clientSlot().IP, netip.MustParseAddr("127.1.2.11")
	a, b := c.vendor.target(0), c.vendor.target(1)
	got := append(writeEvents([]fakecloud.Entry{
		{Node: "lb-b", Method: "GET", Arrived: at(1)},
		{Node: "lb-b", Write: true, Effect: "assign: accepted as action 1", Status: 201, Arrived: at(2)},
		{Node: "lb-b", Write: true, Method: "POST", Path: "/v2/x", Fault: "cut-after", Arrived: at(3)},
		{Node: "lb-b", Write: true, Method: "POST", Path: "/", Action: "Attach", Status: 200, Arrived: at(3)},
	}), c.moveEvents([]fakecloud.Change{
		{At: at(4), IP: ip, From: a, To: b},
		{At: at(5), IP: other, From: a, To: b},
		{At: at(6), IP: ip, From: b},
		{At: at(7), IP: ip, Table: "rtb-2", From: a, To: b},
	})...)
	want := []event{
		{At: at(2), Kind: eventWrite, Who: "lb-b", What: "write: assign: accepted as action 1 (201)"},
		{At: at(3), Kind: eventWrite, Who: "lb-b", What: "write: POST /v2/x (no answer), fault: cut-after"},
		{At: at(3), Kind: eventWrite, Who: "lb-b", What: "write: Attach (200)"},
		{At: at(4), Kind: eventMoved, Who: "cloud", From: "lb-a", To: "lb-b", What: "address moved: lb-a -> lb-b"},
		{At: at(6), Kind: eventMoved, Who: "cloud", From: "lb-b", What: "address moved: lb-b -> nobody"},
		{At: at(7), Kind: eventLog, Who: "cloud", From: "lb-a", To: "lb-b", What: "address moved in rtb-2: lb-a -> lb-b"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEventsOfOneInstantAreInTheOrderOfCauseAndEffect(t *testing.T) {
	t.Parallel()
	got := inOrder([]event{
		{At: at(2), Kind: eventClient}, {At: at(2), Kind: eventMoved}, {At: at(2), Kind: eventLab}, {At: at(1), Kind: eventClient},
	})
	want := []event{
		{At: at(1), Kind: eventClient}, {At: at(2), Kind: eventLab}, {At: at(2), Kind: eventMoved}, {At: at(2), Kind: eventClient},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheRecorderKeepsTheFirstMarkAndTheLastFault(t *testing.T) {
	t.Parallel()
	var told []string
	r := &recorder{}
	r.follow(func(e event) { told = append(told, e.What) })
	r.note("first")
	_, first, _ := r.taken()
	r.measureFrom("second")
	r.measureFrom("third")
	for range eventsMax {
		r.add(event{What: "noise"})
	}
	events, start, fault := r.taken()
	if len(events) != eventsMax {
		t.Errorf("%d events are kept", len(events))
	}
	if diff := cmp.Diff([]string{"first", "second", "third"}, told[:3]); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if first.IsZero() || start != first || !fault.After(start) {
		t.Errorf("the first mark is %s and not %s; the last fault is %s", start, first, fault)
	}
}
