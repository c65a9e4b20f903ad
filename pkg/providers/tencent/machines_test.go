// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	vpc "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

// decodeInterface returns the first interface of an answer.
func decodeInterface(t *testing.T, c canned) (*vpc.NetworkInterface, error) {
	t.Helper()
	resp := vpc.NewDescribeNetworkInterfacesResponse()
	if err := json.Unmarshal([]byte(c.body), resp); err != nil {
		return nil, err
	}
	if len(resp.Response.NetworkInterfaceSet) == 0 {
		return nil, errors.New("no interface")
	}
	return resp.Response.NetworkInterfaceSet[0], nil
}

func TestTheStateOfAMachine(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		answer canned
		want   providers.InstanceState
		kind   string
	}{
		{"RUNNING", instancesOf(t), providers.InstanceRunning, ""},
		{"STOPPED", instancesOf(t, "RUNNING", "STOPPED"), providers.InstanceStopped, ""},
		{"SHUTDOWN", instancesOf(t, "RUNNING", "SHUTDOWN"), providers.InstanceStopped, ""},
		{"LAUNCH_FAILED", instancesOf(t, "RUNNING", "LAUNCH_FAILED"), providers.InstanceStopped, ""},
		{"STOPPING may still act", instancesOf(t, "RUNNING", "STOPPING"), providers.InstanceRunning, ""},
		{"TERMINATING may still act", instancesOf(t, "RUNNING", "TERMINATING"), providers.InstanceRunning, ""},
		{"REBOOTING", instancesOf(t, "RUNNING", "REBOOTING"), providers.InstanceRunning, ""},
		{"a rescue mode", instancesOf(t, "RUNNING", "RESCUE_MODE"), providers.InstanceUnknown, ""},
		{"an empty list is not gone", ok(`"InstanceSet":[]`), providers.InstanceUnknown, ""},
		{"the API says that there is none", refused("InvalidInstanceId.NotFound", "no"), providers.InstanceGone, ""},
		{"no list", ok(""), providers.InstanceUnknown, "transient"},
		{"no state", instancesOf(t, `"InstanceState":"RUNNING",`, ""), providers.InstanceUnknown, "transient"},
		{"another machine", instancesOf(t, "ins-ymk3eje8", "ins-3nqpdn3i"), providers.InstanceUnknown, "transient"},
		{"denied", refused("UnauthorizedOperation", "no"), providers.InstanceUnknown, "denied"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, r := start(t, script{"DescribeInstances": tc.answer})
			got, err := provider(t, c, providers.KindEIP).(providers.Inspector).InstanceState(t.Context(), as(providers.KindEIP, instanceA))
			want(t, err, tc.kind, "")
			if got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if diff := cmp.Diff([]string{`DescribeInstances {"InstanceIds":["ins-ymk3eje8"],"Limit":100}`}, r.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheStateOfWhatIsKnownByItsAddressOnly(t *testing.T) {
	t.Parallel()
	stopped := func(id, network, addresses string) string {
		return `{"InstanceId":"` + id + `","InstanceState":"STOPPED","VirtualPrivateCloud":{"VpcId":"` + network + `"},"PrivateIpAddresses":[` + addresses + `]}`
	}
	here := stopped("ins-11111111", "vpc-6v2ht8q5", `"10.4.6.20"`)
	elsewhere := stopped("ins-22222222", "vpc-other", `"10.4.6.20"`)
	for _, tc := range []struct {
		name      string
		instances string
		want      providers.InstanceState
		kind      string
	}{
		{"one machine has it", here, providers.InstanceStopped, ""},
		{"it is not the first address", stopped("ins-11111111", "vpc-6v2ht8q5", `"10.4.6.9","10.4.6.20"`), providers.InstanceStopped, ""},
		{"a machine of another network has it too", here + "," + elsewhere, providers.InstanceStopped, ""},
		{"only a machine of another network has it", elsewhere, providers.InstanceUnknown, ""},
		{"a machine of this network has one that looks like it", stopped("ins-11111111", "vpc-6v2ht8q5", `"10.4.6.201"`), providers.InstanceUnknown, ""},
		{"two have it", here + "," + here, providers.InstanceUnknown, ""},
		{"none has it", "", providers.InstanceUnknown, ""},
		{"a machine of no network", stopped("ins-11111111", "", `"10.4.6.20"`), providers.InstanceUnknown, "transient"},
		{"a machine without addresses", stopped("ins-11111111", "vpc-6v2ht8q5", ""), providers.InstanceUnknown, "transient"},
	} {
		c, r := start(t, script{"DescribeRouteTables": tableOf(t), "DescribeInstances": ok(`"InstanceSet":[` + tc.instances + `]`)})
		p := provider(t, c, providers.KindRoute)
		seen, err := p.Owner(t.Context(), route1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.(providers.Inspector).InstanceState(t.Context(), seen.Target)
		want(t, err, tc.kind, "")
		if got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
		asked := `DescribeInstances {"Filters":[{"Name":"private-ip-address","Values":["10.4.6.20"]},{"Name":"vpc-id","Values":["vpc-6v2ht8q5"]}],"Limit":100}`
		if diff := cmp.Diff([]string{asked}, r.seen()[1:]); diff != "" {
			t.Error(diff)
		}
	}
}

// TestAnAddressOfNoOneNetworkIsNoMachine: no route was read that leads to it, the table does
// not tell its network, or tables of two networks have routes to it.
func TestAnAddressOfNoOneNetworkIsNoMachine(t *testing.T) {
	t.Parallel()
	second := providers.Address{Provider: Name, Kind: providers.KindRoute, IP: route1.IP, ID: "rtb-22222222"}
	for name, tc := range map[string]struct {
		tables canned
		read   []providers.Address
	}{
		"no route was read":         {},
		"a table without a network": {tableOf(t, `"VpcId":"vpc-6v2ht8q5",`, ""), []providers.Address{route1}},
		"tables of two networks": {canned{body: strings.Replace(tableOf(t).body, `"RouteTableSet":[`, `"RouteTableSet":[`+
			`{"RouteTableId":"rtb-22222222","VpcId":"vpc-other","RouteSet":[{"DestinationCidrBlock":"172.16.0.9/32","GatewayType":"NORMAL_CVM","GatewayId":"10.4.6.20","RouteId":1}]},`, 1)},
			[]providers.Address{route1, second}},
	} {
		c, r := start(t, script{"DescribeRouteTables": tc.tables, "DescribeInstances": instancesOf(t, "RUNNING", "STOPPED")})
		p := provider(t, c, providers.KindRoute)
		for _, a := range tc.read {
			if _, err := p.Owner(t.Context(), a); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		got, err := p.(providers.Inspector).InstanceState(t.Context(), as(providers.KindRoute, instanceA))
		if got != providers.InstanceUnknown || err != nil || len(r.seen()) != len(tc.read) {
			t.Errorf("%s: got %v, %v, asked %s", name, got, err, r.seen())
		}
	}
}

func TestWhatIsNoMachineHasNoState(t *testing.T) {
	t.Parallel()
	c, r := start(t, script{})
	for _, other := range []providers.Target{{Instance: "lb-12345678"}, {Interface: "eni-f1xjkw1b"}, {Instance: "havip:havip-72alakye"}} {
		got, err := provider(t, c, providers.KindEIP).(providers.Inspector).InstanceState(t.Context(), other)
		if got != providers.InstanceUnknown || err != nil || len(r.seen()) != 0 {
			t.Errorf("%s: got %v, %v, asked %s", other, got, err, r.seen())
		}
	}
}

func TestWhereAMachineRuns(t *testing.T) {
	t.Parallel()
	in := func(fields string) canned {
		return instancesOf(t, `"DisasterRecoverGroupId":""`, fields, `"ProjectId":0`, `"HostId":"host-1"`)
	}
	group := func(fields string) canned {
		return ok(`"DisasterRecoverGroupSet":[{"DisasterRecoverGroupId":"ps-11111111","Type":"HOST"` + fields + `}]`)
	}
	const member = `"DisasterRecoverGroupIds":["ps-11111111"]`
	placed := func(change func(*providers.Placement)) providers.Placement {
		p := providers.Placement{Zone: "ap-guangzhou-3", Host: "host-1", Group: "ps-11111111"}
		change(&p)
		return p
	}
	for _, tc := range []struct {
		name            string
		instance, group canned
		want            providers.Placement
	}{
		{"in no group", instancesOf(t), canned{}, providers.Placement{Zone: "ap-guangzhou-3"}},
		{"one member a host", in(member), group(`,"Affinity":1,"Strategy":"SPREAD"`), placed(func(p *providers.Placement) { p.Spread = true })},
		{"the same without a strategy", in(member), group(`,"Affinity":1`), placed(func(p *providers.Placement) { p.Spread = true })},
		{"the same by the deprecated field", in(`"DisasterRecoverGroupId":"ps-11111111"`), group(`,"Affinity":1`), placed(func(p *providers.Placement) { p.Spread = true })},
		{"two members a host", in(member), group(`,"Affinity":2,"Strategy":"SPREAD"`), placed(func(*providers.Placement) {})},
		{"no word on how many", in(member), group(``), placed(func(*providers.Placement) {})},
		{"partitions", in(member + `,"PartitionNumber":3`), group(`,"Affinity":1,"Strategy":"PARTITION"`), placed(func(p *providers.Placement) { p.Partition = "3" })},
		{"partitions without a number", in(member), group(`,"Affinity":1,"Strategy":"PARTITION"`), placed(func(*providers.Placement) {})},
		{"groups may not be read", in(member), refused("UnauthorizedOperation", "no"), placed(func(*providers.Placement) {})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := script{"DescribeInstances": tc.instance}
			if tc.group.body != "" {
				s["DescribeDisasterRecoverGroups"] = tc.group
			}
			c, _ := start(t, s)
			got, err := provider(t, c, providers.KindHAVIP).(providers.Placer).Placement(t.Context(), as(providers.KindHAVIP, instanceA))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	c, _ := start(t, script{"DescribeInstances": ok(`"InstanceSet":[]`)})
	_, err := provider(t, c, providers.KindHAVIP).(providers.Placer).Placement(t.Context(), as(providers.KindHAVIP, instanceA))
	want(t, err, "not-found", "0 machines in ap-guangzhou fit")
}

func TestAnInterfaceIsFoundByItsMACAndRemembered(t *testing.T) {
	t.Parallel()
	c, r := start(t, script{"DescribeNetworkInterfaces": interfacesOf(t)})
	for _, mac := range []string{"52:54:00:bf:b3:51", "52:54:00:BF:B3:51"} {
		if got, err := c.Interface(t.Context(), "ins-ymk3eje8", mac); got != "eni-f1xjkw1b" || err != nil {
			t.Errorf("%s: got %q, %v", mac, got, err)
		}
	}
	if diff := cmp.Diff([]string{`DescribeNetworkInterfaces {"Filters":[{"Name":"attachment.instance-id","Values":["ins-ymk3eje8"]}],"Limit":100}`}, r.seen()); diff != "" {
		t.Error(diff)
	}
	_, err := c.Interface(t.Context(), "ins-ymk3eje8", "52:54:00:00:00:00")
	want(t, err, "not-found", "none of its 1 interfaces in ap-guangzhou has that MAC; check the region")
	_, err = c.Interface(t.Context(), "lb-a", "52:54:00:00:00:00")
	want(t, err, "invalid", `"lb-a" is not the id of a machine`)
}

func TestAddressesOfAHolderAreReadAtMostOnceAMinute(t *testing.T) {
	t.Parallel()
	at := now
	c, r := startWith(t, script{"DescribeHaVips": havipOf(t), "DescribeNetworkInterfaces": interfacesOf(t)},
		func(cfg *Config) { cfg.Now = func() time.Time { return at } })
	p := provider(t, c, providers.KindHAVIP)
	count := func() (n int) {
		got := p.(providers.Recogniser).PrivateAddresses(t.Context(), havip1, instanceA)
		if diff := cmp.Diff(addrs("10.4.6.20"), got, compareIP); diff != "" {
			t.Error(diff)
		}
		for _, line := range r.seen() {
			if line == `DescribeNetworkInterfaces {"Filters":[{"Name":"attachment.instance-id","Values":["ins-ymk3eje8"]}],"Limit":100}` {
				n++
			}
		}
		return n
	}
	for i, tc := range []struct {
		later time.Duration
		want  int
	}{{0, 1}, {time.Second, 1}, {58 * time.Second, 1}, {time.Second, 2}, {0, 2}} {
		at = at.Add(tc.later)
		if got := count(); got != tc.want {
			t.Errorf("read %d: %d reads of the interface, want %d", i, got, tc.want)
		}
	}
}

func TestAddressesThatCannotBeReadAreNotAskedForAgainSoSoon(t *testing.T) {
	t.Parallel()
	c, r := start(t, script{"DescribeNetworkInterfaces": refused("InternalError", "no")})
	for _, owner := range []providers.Target{instanceA, instanceA, {Interface: "eni-f1xjkw1b"}} {
		if got := provider(t, c, providers.KindHAVIP).(providers.Recogniser).PrivateAddresses(t.Context(), havip1, owner); got != nil {
			t.Errorf("%s: got %v", owner, got)
		}
	}
	if n := len(r.seen()); n != 1 {
		t.Errorf("%d calls, want one: an interface of no machine is no node", n)
	}
}

// TestAnOwnerReadOfAHAVIPIsOneCall: what tells only who the holder is comes beside it.
func TestAnOwnerReadOfAHAVIPIsOneCall(t *testing.T) {
	t.Parallel()
	c, r := start(t, script{"DescribeHaVips": havipOf(t), "DescribeNetworkInterfaces": interfacesOf(t)})
	if _, err := provider(t, c, providers.KindHAVIP).Owner(t.Context(), havip1); err != nil || len(r.seen()) != 1 {
		t.Errorf("%d calls, %v", len(r.seen()), err)
	}
}

func TestTasks(t *testing.T) {
	t.Parallel()
	for word, state := range map[string]providers.OperationState{
		"SUCCESS": providers.OperationDone, "FAILED": providers.OperationFailed, "RUNNING": providers.OperationPending, "QUEUED": providers.OperationUnknown,
	} {
		c, r := start(t, script{"DescribeTaskResult": ok(`"TaskId":50121411,"Result":"` + word + `"`), "DescribeVpcTaskResult": ok(`"Status":"` + word + `"`)})
		for _, a := range []providers.Address{eip1, private1} {
			got, err := provider(t, c, a.Kind).(providers.Tracker).Operation(t.Context(), a, providers.Result{Operation: "50121411"})
			if got != state || err != nil {
				t.Errorf("%s, %s: got %v, %v", a.Kind, word, got, err)
			}
		}
		// The one system takes the number, the other the text.
		if diff := cmp.Diff([]string{`DescribeTaskResult {"TaskId":50121411}`, `DescribeVpcTaskResult {"TaskId":"50121411"}`}, r.seen()); diff != "" {
			t.Error(diff)
		}
	}
	for code, kind := range map[string]string{"InvalidParameter": "", "ResourceNotFound": "", "UnauthorizedOperation": "", "InternalError": "transient", "RequestLimitExceeded": "throttled"} {
		c, _ := start(t, script{"DescribeTaskResult": refused(code, "no"), "DescribeVpcTaskResult": refused(code, "no")})
		for _, a := range []providers.Address{eip1, private1} {
			got, err := provider(t, c, a.Kind).(providers.Tracker).Operation(t.Context(), a, providers.Result{Operation: "50121411"})
			want(t, err, kind, "")
			if got != providers.OperationUnknown {
				t.Errorf("%s: got %v", code, got)
			}
		}
	}
}
