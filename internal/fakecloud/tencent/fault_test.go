// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
)

const (
	unbindA  = `{"AddressId":"eip-aaaaaaaa"}`
	bindFree = `{"AddressId":"eip-ffffffff","InstanceId":"ins-bbbbbbbb"}`
)

func TestErrorsThatTheScriptWants(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  face.Fault
		status int
		code   string
		after  bool // it took effect
	}{
		{face.Code("InternalError.ModuleError"), 200, "InternalError.ModuleError", false},
		{face.Code("RequestLimitExceeded.UinLimitExceeded"), 200, "RequestLimitExceeded.UinLimitExceeded", false},
		{face.Throttled(0), 200, "RequestLimitExceeded", false},
		{face.ServerError(502), 502, "", false},
		{face.ServerErrorAfter(500), 500, "", true},
		{face.HTML(), 200, "", true},
		{face.Empty(), 200, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, faketencent.Options{BindDelay: -1})
			w.tc.Inject(face.Match{Action: "AssociateAddress"}, tt.fault, 1)
			r := w.call("AssociateAddress", bindFree)
			if r.status != tt.status || r.code() != tt.code {
				t.Errorf("got %d %s", r.status, r.raw)
			}
			want := providers.Target{}
			if tt.after {
				want = onB
			}
			w.wantHolder(eipFree, want)
		})
	}
}

func TestLostReplies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault     face.Fault
		now, late providers.Target
	}{
		{face.CutBefore(), providers.Target{}, providers.Target{}},
		{face.CutAfter(), onB, onB},
		{face.CutLate(30 * time.Second), providers.Target{}, onB},
	} {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, faketencent.Options{BindDelay: -1})
			w.tc.Inject(face.Match{Action: "AssociateAddress"}, tt.fault, 1)
			w.lose("AssociateAddress", bindFree)
			w.wantHolder(eipFree, tt.now)
			w.advance(time.Minute)
			w.wantHolder(eipFree, tt.late)
		})
	}
}

// A late write is judged when it arrives, and takes from nobody but the one it names.
func TestALateMigrationTakesNothingFromARival(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.tc.Inject(face.Match{Action: "MigratePrivateIpAddress"}, face.CutLate(30*time.Second), 1)
	w.lose("MigratePrivateIpAddress", migrate("eni-aaaaaaaa", "eni-bbbbbbbb"))
	w.must(w.tc.AddENI(faketencent.ENI{ID: "eni-dddddddd", Instance: "ins-bbbbbbbb", IP: private.Next()}))
	rival := providers.Target{Instance: "ins-bbbbbbbb", Interface: "eni-dddddddd"}
	w.must(w.model.Place(private, rival))
	w.advance(time.Minute)
	w.wantHolder(private, rival)
}

// It does not matter what its address was like when it was sent.
func TestALateWriteMayFindAnotherState(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.call("DisassociateAddress", unbindA)
	w.tc.Inject(face.Match{}, face.CutLate(30*time.Second), 3)
	w.lose("AssociateAddress", `{"AddressId":"eip-aaaaaaaa","InstanceId":"ins-bbbbbbbb"}`) // it is UNBINDING
	w.lose("DisassociateAddress", `{"AddressId":"eip-ffffffff"}`)                          // it is UNBIND
	w.lose("MigratePrivateIpAddress", migrate("eni-bbbbbbbb", "eni-aaaaaaaa"))             // it is on the other
	w.must(w.model.Place(eipFree, onA))
	w.must(w.model.Place(private, providers.Target{Instance: "ins-bbbbbbbb", Interface: "eni-bbbbbbbb"}))
	w.advance(time.Minute)
	w.wantHolder(eipA, onB)
	w.wantHolder(eipFree, providers.Target{})
	w.wantHolder(private, providers.Target{Instance: "ins-aaaaaaaa", Interface: "eni-aaaaaaaa"})
}

func migrate(from, to string) string {
	return `{"SourceNetworkInterfaceId":"` + from + `","DestinationNetworkInterfaceId":"` + to +
		`","PrivateIpAddress":"` + private.String() + `"}`
}

func TestATaskCanFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.tc.Inject(face.Match{}, face.Errored(), 4)
	id := w.call("DisassociateAddress", unbindA).at("TaskId").(string)
	request := w.call("MigratePrivateIpAddress", migrate("eni-aaaaaaaa", "eni-bbbbbbbb")).at("RequestId").(string)
	w.wantCode("a route", w.call("ReplaceRoutes", replace(w, "rtb-11111111", "10.0.4.21")), "InternalError")
	w.advance(time.Minute)
	if got := w.call("DescribeTaskResult", `{"TaskId":`+id+`}`).at("Result"); got != "FAILED" {
		t.Errorf("of an EIP: got %v", got)
	}
	if got := w.call("DescribeVpcTaskResult", `{"TaskId":"`+request+`"}`).at("Status"); got != "FAILED" {
		t.Errorf("of a private IP: got %v", got)
	}
	w.wantHolder(eipA, onA)
	w.wantHolder(private, providers.Target{Instance: "ins-aaaaaaaa", Interface: "eni-aaaaaaaa"})
	if got := w.model.HolderIn(slot("rtb-11111111")); got.PrivateIP != onA.PrivateIP {
		t.Errorf("the route leads to %s", got)
	}
}

// replace is the body that makes the route lead to a gateway, as it is read now.
func replace(w *world, table, gateway string) string {
	w.t.Helper()
	r := w.call("DescribeRouteTables", `{"RouteTableIds":["`+table+`"]}`)
	id, _ := r.at("RouteTableSet", 0, "RouteSet", 0, "RouteItemId").(string)
	return `{"RouteTableId":"` + table + `","Routes":[{"RouteItemId":"` + id +
		`","DestinationCidrBlock":"172.16.0.9/32","GatewayType":"NORMAL_CVM","GatewayId":"` + gateway + `"}]}`
}

func TestTheTwoTaskSystemsAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	eip := w.call("DisassociateAddress", unbindA)
	other := w.call("MigratePrivateIpAddress", migrate("eni-aaaaaaaa", "eni-bbbbbbbb"))
	id := eip.at("TaskId").(string)
	for _, tt := range []struct{ name, action, body, want string }{
		{"the string where a number belongs", "DescribeTaskResult", `{"TaskId":"` + id + `"}`, "InvalidParameter"},
		{"a task of the other system by number", "DescribeTaskResult", `{"TaskId":2}`, "InvalidParameter"},
		{"an unknown number", "DescribeTaskResult", `{"TaskId":99}`, "InvalidParameter"},
		{"no number", "DescribeTaskResult", `{}`, "MissingParameter"},
		{"the number where the request's id belongs", "DescribeVpcTaskResult", `{"TaskId":"` + id + `"}`, "ResourceNotFound"},
		{"the id of a request for an EIP", "DescribeVpcTaskResult", `{"TaskId":"` + eip.at("RequestId").(string) + `"}`, "ResourceNotFound"},
		{"no id", "DescribeVpcTaskResult", `{}`, "MissingParameter"},
		{"the number", "DescribeTaskResult", `{"TaskId":` + id + `}`, ""},
		{"the request's id", "DescribeVpcTaskResult", `{"TaskId":"` + other.at("RequestId").(string) + `"}`, ""},
	} {
		w.wantCode(tt.name, w.call(tt.action, tt.body), tt.want)
	}
}

func TestTheJournalHasThePhasesOfAMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.call("DescribeHaVips", `{"HaVipIds":["havip-11111111"]}`)
	w.call("DisassociateAddress", unbindA)
	w.advance(time.Second)
	w.call("DisassociateAddress", unbindA)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	want := []fakecloud.Entry{
		{ID: 1, Node: "lb-a", Action: "DescribeHaVips", Body: `{"HaVipIds":["havip-11111111"]}`, Status: 200, Arrived: at(0), Answered: at(0)},
		{ID: 2, Node: "lb-a", Action: "DisassociateAddress", Write: true, Body: unbindA, Status: 200, Operation: 1,
			Effect: "detach 203.0.113.10: accepted as task 1", Arrived: at(0), Answered: at(0), Applied: at(1)},
		{ID: 3, Node: "lb-a", Action: "DisassociateAddress", Write: true, Body: unbindA, Status: 200,
			Effect: "none: UnsupportedOperation.AddressStatusNotPermit", Arrived: at(1), Answered: at(1)},
	}
	ignore := cmpopts.IgnoreFields(fakecloud.Entry{}, "Remote", "RequestID", "Method", "Path")
	if diff := cmp.Diff(want, w.model.Journal(), ignore); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestReadsLagBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{BindDelay: -1, ReadLag: 2 * time.Second})
	w.advance(time.Minute)
	id := w.call("DisassociateAddress", unbindA).at("TaskId").(string)
	for _, want := range []string{"BIND RUNNING", "UNBIND SUCCESS"} {
		status, _ := w.call("DescribeAddresses", `{"AddressIds":["eip-aaaaaaaa"]}`).at("AddressSet", 0, "AddressStatus").(string)
		result, _ := w.call("DescribeTaskResult", `{"TaskId":`+id+`}`).at("Result").(string)
		if got := status + " " + result; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		w.advance(2 * time.Second)
	}
}

func TestCallsAreLimitedPerActionAndSecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{Throttle: 2})
	var got []string
	for range 3 {
		got = append(got, w.call("DescribeAddresses", "{}").code())
	}
	got = append(got, w.call("DescribeHaVips", "{}").code())
	w.advance(time.Second)
	got = append(got, w.call("DescribeAddresses", "{}").code())
	w.tc.SetDialect(faketencent.Dialect{Throttled: "LimitExceeded.ActionLimited"})
	w.tc.SetThrottle(1)
	got = append(got, w.call("DescribeAddresses", "{}").code())
	if want := ",,RequestLimitExceeded,,,LimitExceeded.ActionLimited"; strings.Join(got, ",") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ","), want)
	}
}
