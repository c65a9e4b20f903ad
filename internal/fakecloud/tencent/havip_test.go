// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
)

func (w *world) havip(field string) any {
	w.t.Helper()
	return w.call("DescribeHaVips", `{"HaVipIds":["havip-11111111"]}`).at("HaVipSet", 0, field)
}

func TestWhoseAnnouncementsAreHeard(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		before func(*world)
		sender string
		ip     netip.Addr
		want   bool
	}{
		{"a machine's in the subnet", nil, "ins-bbbbbbbb", vip, true},
		{"one of its interfaces'", nil, "eni-bbbbbbbb", vip, true},
		{"the holder's again", nil, "ins-aaaaaaaa", vip, true},
		{"not one from another subnet", nil, "ins-cccccccc", vip, false},
		{"not a stranger's", nil, "ins-00000000", vip, false},
		{"not one for an ordinary address", nil, "ins-bbbbbbbb", private, false},
		{"not one from a machine that is off", func(w *world) { w.must(w.model.SetState("ins-bbbbbbbb", providers.InstanceStopped)) },
			"ins-bbbbbbbb", vip, false},
		{"not one from outside an enforced range", func(w *world) { w.tc.SetRange("havip-11111111", true, "ins-aaaaaaaa") },
			"ins-bbbbbbbb", vip, false},
		{"one from outside a range that is not enforced", func(w *world) { w.tc.SetRange("havip-11111111", false, "ins-aaaaaaaa") },
			"ins-bbbbbbbb", vip, true},
		{"one from inside an enforced range", func(w *world) { w.tc.SetRange("havip-11111111", true, "ins-aaaaaaaa", "ins-bbbbbbbb") },
			"eni-bbbbbbbb", vip, true},
		{"one from an interface in an enforced range", func(w *world) { w.tc.SetRange("havip-11111111", true, "eni-bbbbbbbb") },
			"ins-bbbbbbbb", vip, true},
		{"none if an enforced range is empty", func(w *world) { w.tc.SetRange("havip-11111111", true) }, "ins-aaaaaaaa", vip, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, faketencent.Options{})
			if tt.before != nil {
				tt.before(w)
			}
			if got := w.tc.Announce(tt.sender, tt.ip); got != tt.want {
				t.Errorf("heard: got %t", got)
			}
			holder := providers.Target{Instance: "ins-aaaaaaaa"}
			if tt.want && tt.sender[4:] == "bbbbbbbb" {
				holder.Instance = "ins-bbbbbbbb"
			}
			w.wantHolder(vip, holder)
		})
	}
}

func TestOfSeveralAnnouncementsTheLastWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{DriftDelay: 4 * time.Second})
	w.tc.Announce("ins-bbbbbbbb", vip)
	w.advance(time.Second)
	w.tc.Announce("ins-aaaaaaaa", vip)
	var got []string
	for range 3 {
		got = append(got, w.model.Holder(vip).Instance)
		w.advance(2 * time.Second)
	}
	if want := [3]string{"ins-aaaaaaaa", "ins-aaaaaaaa", "ins-aaaaaaaa"}; [3]string(got) != want {
		t.Errorf("holders: got %v, want %v", got, want)
	}
	changes := w.model.Changes()
	if len(changes) != 2 || changes[0].To.Instance != "ins-bbbbbbbb" || changes[0].Node != "lb-b" ||
		!changes[0].At.Equal(start.Add(4*time.Second)) || !changes[1].At.Equal(start.Add(5*time.Second)) {
		t.Errorf("changes: got %+v", changes)
	}
	if got := w.model.Journal(); len(got) != 0 {
		t.Errorf("an announcement is a call: %v", got)
	}
}

func TestWhatAHAVIPTellsOfItsHolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	line := func() string {
		text := ""
		for _, field := range []string{"State", "InstanceId", "NetworkInterfaceId", "FlushedTime"} {
			text += w.havip(field).(string) + "/"
		}
		return text
	}
	wantLine := func(want string) {
		t.Helper()
		if got := line(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	spelled := func(at time.Time) string { return at.UTC().Add(8 * time.Hour).Format("2006-01-02 15:04:05") }
	wantLine("AVAILABLE/ins-aaaaaaaa/eni-aaaaaaaa/0000-00-00 00:00:00/")
	w.advance(time.Hour)
	w.tc.Announce("ins-aaaaaaaa", vip)
	wantLine("AVAILABLE/ins-aaaaaaaa/eni-aaaaaaaa/0000-00-00 00:00:00/")
	w.tc.Announce("ins-bbbbbbbb", vip)
	wantLine("AVAILABLE/ins-bbbbbbbb/eni-bbbbbbbb/" + spelled(start.Add(time.Hour)) + "/")
	w.advance(time.Hour)
	w.must(w.model.Place(vip, providers.Target{}))
	wantLine("UNBIND///" + spelled(start.Add(2*time.Hour)) + "/")
	w.tc.Inject(face.Match{}, face.DoneSpelling(), 1)
	if got := w.havip("State"); got != "UNBOUND" {
		t.Errorf("the other spelling: got %v", got)
	}
}

func TestWritesAboutHAVIPs(t *testing.T) {
	t.Parallel()
	const on, off = "HaVipAssociateAddressIp", "HaVipDisassociateAddressIp"
	const bind = `{"HaVipId":"havip-11111111","AddressIp":"203.0.113.11"}`
	const unbind = `{"HaVipId":"havip-11111111"}`
	const in, out = "AssociateHaVipInstance", "DisassociateHaVipInstance"
	member := func(havip, id, kind string) string {
		return `{"HaVipAssociationSet":[{"HaVipId":"` + havip + `","InstanceId":"` + id + `","InstanceType":"` + kind + `"}]}`
	}
	w := newWorld(t, faketencent.Options{})
	for _, step := range []struct{ name, action, body, want string }{
		{"an EIP for no HAVIP", on, `{"AddressIp":"203.0.113.11"}`, "MissingParameter"},
		{"an EIP for an EIP", on, `{"HaVipId":"eip-aaaaaaaa","AddressIp":"203.0.113.11"}`, "InvalidParameterValue.Malformed"},
		{"an EIP for an unknown HAVIP", on, `{"HaVipId":"havip-00000000","AddressIp":"203.0.113.11"}`, "ResourceNotFound"},
		{"the id of an EIP", on, `{"HaVipId":"havip-11111111","AddressIp":"eip-ffffffff"}`, "InvalidParameterValue.Malformed"},
		{"no EIP", on, unbind, "MissingParameter"},
		{"an unknown EIP", on, `{"HaVipId":"havip-11111111","AddressIp":"203.0.113.99"}`, "ResourceNotFound"},
		{"an EIP that is bound", on, `{"HaVipId":"havip-11111111","AddressIp":"203.0.113.10"}`, "UnsupportedOperation"},
		{"taking what it has not", off, unbind, "UnsupportedOperation.UnbindEIP"},
		{"an EIP", on, bind, ""},
		{"the same while it is being bound", on, bind, "UnsupportedOperation.BindEIP"},
		{"", "", "", ""},
		{"another", on, `{"HaVipId":"havip-11111111","AddressIp":"203.0.113.10"}`, "UnsupportedOperation.BindEIP"},
		{"taking it", off, unbind, ""},
		{"taking it again meanwhile", off, unbind, "UnsupportedOperation.MutexOperationTaskRunning"},
		{"a member", in, member("havip-11111111", "ins-aaaaaaaa", "CVM"), ""},
		{"the same member", in, member("havip-11111111", "ins-aaaaaaaa", "CVM"), "InvalidParameterValue.DuplicatedHaVipAssociations"},
		{"a member of another type", in, member("havip-11111111", "eni-bbbbbbbb", "ENI"), "InvalidParameterValue.ParameterMismatch"},
		{"a member of the wrong type", in, member("havip-11111111", "ins-bbbbbbbb", "ENI"), "InvalidParameterValue.ParameterMismatch"},
		{"an unknown member", in, member("havip-11111111", "ins-00000000", "CVM"), "ResourceNotFound"},
		{"a member of an unknown HAVIP", in, member("havip-00000000", "ins-bbbbbbbb", "CVM"), "ResourceNotFound"},
		{"no member", in, `{}`, "MissingParameter"},
		{"removing a member", out, member("havip-11111111", "ins-aaaaaaaa", "CVM"), ""},
		{"removing it again", out, member("havip-11111111", "ins-aaaaaaaa", "CVM"), "ResourceNotFound"},
	} {
		if step.action == "" {
			w.advance(time.Second)
			if got := w.havip("AddressIp"); got != "203.0.113.11" {
				t.Errorf("its EIP: got %v", got)
			}
			continue
		}
		w.wantCode(step.name, w.call(step.action, step.body), step.want)
	}
}

func TestAnEIPFollowsItsHAVIP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	other, public := netip.MustParseAddr("10.0.4.98"), netip.MustParseAddr("203.0.113.98")
	w.must(w.tc.AddHAVIP(faketencent.HAVIP{IP: other, EIP: public, Holder: providers.Target{Instance: "ins-aaaaaaaa"}}))
	for _, instance := range []string{"ins-aaaaaaaa", "ins-bbbbbbbb"} {
		w.tc.Announce(instance, other)
		for _, ip := range []netip.Addr{other, public} {
			if got := w.tc.Resolve(ip); got != (providers.Target{Instance: instance}) {
				t.Errorf("%s: got %s, want %s", ip, got, instance)
			}
		}
	}
	if got := w.tc.Resolve(eipA); got != onA {
		t.Errorf("an EIP of a machine: got %s, want %s", got, onA)
	}
	w.must(w.tc.AddHAVIP(faketencent.HAVIP{IP: netip.MustParseAddr("10.0.4.97"), EIP: eipFree}))
	if got := w.tc.Resolve(eipFree); !got.IsZero() {
		t.Errorf("an EIP of a HAVIP that nobody holds: got %s", got)
	}
	if _, err := w.model.View(0).Instance("havip-00000000"); err != fakecloud.UnknownInstance {
		t.Errorf("another HAVIP is known: %v", err)
	}
}
