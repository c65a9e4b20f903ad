// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	sdkerrors "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
	vpc "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312"

	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
)

// sdk is the vendor's client as node b, which signs and spells on its own.
type sdk struct {
	w      *world
	vpc    *vpc.Client
	common *common.Client
}

func newSDK(w *world) *sdk {
	p := profile.NewClientProfile()
	p.HttpProfile.Scheme, p.HttpProfile.Endpoint = "HTTP", strings.TrimPrefix(w.url, "http://")
	credential := common.NewCredential("AKIDb", "key-b")
	client, err := vpc.NewClient(credential, "ap-guangzhou", p)
	w.must(err)
	return &sdk{w, client, common.NewCommonClient(credential, "ap-guangzhou", p)}
}

// any makes a call that the vendor's vpc client does not have.
func (s *sdk) any(service, action string, params map[string]any) (string, error) {
	req := tchttp.NewCommonRequest(service, "2017-03-12", action)
	s.w.must(req.SetActionParameters(params))
	resp := tchttp.NewCommonResponse()
	err := s.common.Send(req, resp)
	return string(resp.GetBody()), err
}

func codeOf(err error) string {
	var e *sdkerrors.TencentCloudSDKError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestTheVendorsClientMovesAnEIP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	c := newSDK(w)
	describe := func() *vpc.Address {
		t.Helper()
		req := vpc.NewDescribeAddressesRequest()
		req.AddressIds = common.StringPtrs([]string{"eip-aaaaaaaa"})
		resp, err := c.vpc.DescribeAddresses(req)
		w.must(err)
		if *resp.Response.TotalCount != 1 || *resp.Response.RequestId == "" {
			t.Fatalf("addresses: got %s", resp.ToJsonString())
		}
		return resp.Response.AddressSet[0]
	}
	off := vpc.NewDisassociateAddressRequest()
	off.AddressId = common.StringPtr("eip-aaaaaaaa")
	on := vpc.NewAssociateAddressRequest()
	on.AddressId, on.InstanceId = off.AddressId, common.StringPtr("ins-bbbbbbbb")

	if _, err := c.vpc.AssociateAddress(on); codeOf(err) != "UnsupportedOperation.AddressStatusNotPermit" {
		t.Errorf("bind while it is bound: got %v", err)
	}
	if a := describe(); *a.AddressStatus != "BIND" || *a.InstanceId != "ins-aaaaaaaa" || *a.PrivateAddressIp != "10.0.4.20" ||
		*a.NetworkInterfaceId != "eni-aaaaaaaa" || *a.InstanceType != "CVM" {
		t.Errorf("at the start: got %+v", a)
	}
	_, err := c.vpc.DisassociateAddress(off)
	w.must(err)
	if a := describe(); *a.AddressStatus != "UNBINDING" {
		t.Errorf("while unbinding: got %s", *a.AddressStatus)
	}
	if _, err := c.vpc.AssociateAddress(on); codeOf(err) != "OperationDenied.MutexTaskRunning" {
		t.Errorf("bind while unbinding: got %v", err)
	}
	w.advance(faketencent.BindDelay)
	if a := describe(); *a.AddressStatus != "UNBIND" || a.InstanceId != nil || a.PrivateAddressIp != nil {
		t.Errorf("unbound: got %+v", a)
	}
	started, err := c.vpc.AssociateAddress(on)
	w.must(err)
	id, err := strconv.ParseUint(*started.Response.TaskId, 10, 64)
	w.must(err)
	task := vpc.NewDescribeTaskResultRequest()
	task.TaskId = &id
	for _, want := range []string{"RUNNING", "SUCCESS"} {
		resp, err := c.vpc.DescribeTaskResult(task)
		if err != nil || *resp.Response.Result != want || *resp.Response.TaskId != id {
			t.Errorf("task: got %v, %v, want %s", resp, err, want)
		}
		w.advance(faketencent.BindDelay)
	}
	if a := describe(); *a.AddressStatus != "BIND" || *a.InstanceId != "ins-bbbbbbbb" || *a.PrivateAddressIp != "10.0.4.21" {
		t.Errorf("at the end: got %+v", a)
	}
	w.wantHolder(eipA, onB)
}

func TestTheVendorsClientMigratesAPrivateIP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{MigrateDelay: time.Second})
	c := newSDK(w)
	ips := func(eni string) map[string]string {
		t.Helper()
		req := vpc.NewDescribeNetworkInterfacesRequest()
		req.NetworkInterfaceIds = common.StringPtrs([]string{eni})
		resp, err := c.vpc.DescribeNetworkInterfaces(req)
		w.must(err)
		states := map[string]string{}
		for _, ip := range resp.Response.NetworkInterfaceSet[0].PrivateIpAddressSet {
			states[*ip.PrivateIpAddress] = *ip.State
		}
		return states
	}
	req := vpc.NewMigratePrivateIpAddressRequest()
	req.SourceNetworkInterfaceId = common.StringPtr("eni-aaaaaaaa")
	req.DestinationNetworkInterfaceId = common.StringPtr("eni-bbbbbbbb")
	req.PrivateIpAddress = common.StringPtr(private.String())
	started, err := c.vpc.MigratePrivateIpAddress(req)
	w.must(err)
	if a, b := ips("eni-aaaaaaaa"), ips("eni-bbbbbbbb"); a[private.String()] != "MIGRATING" || len(b) != 1 {
		t.Errorf("meanwhile: got %v and %v", a, b)
	}
	task := vpc.NewDescribeVpcTaskResultRequest()
	task.TaskId = started.Response.RequestId
	for _, want := range []string{"RUNNING", "SUCCESS"} {
		resp, err := c.vpc.DescribeVpcTaskResult(task)
		if err != nil || *resp.Response.Status != want {
			t.Errorf("task: got %v, %v, want %s", resp, err, want)
		}
		w.advance(time.Second)
	}
	if a, b := ips("eni-aaaaaaaa"), ips("eni-bbbbbbbb"); len(a) != 1 || b[private.String()] != "AVAILABLE" {
		t.Errorf("at the end: got %v and %v", a, b)
	}
	if _, err := c.vpc.MigratePrivateIpAddress(req); codeOf(err) != "UnauthorizedOperation.AttachmentNotFound" {
		t.Errorf("again: got %v", err)
	}
	w.wantHolder(private, providers.Target{Instance: "ins-bbbbbbbb", Interface: "eni-bbbbbbbb"})
}

func TestTheVendorsClientReplacesARoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	c := newSDK(w)
	list := vpc.NewDescribeRouteTablesRequest()
	list.RouteTableIds = common.StringPtrs([]string{"rtb-11111111"})
	tables, err := c.vpc.DescribeRouteTables(list)
	w.must(err)
	route := tables.Response.RouteTableSet[0].RouteSet[0]
	if *route.GatewayType != "NORMAL_CVM" || *route.GatewayId != "10.0.4.20" || *route.DestinationCidrBlock != "172.16.0.9/32" {
		t.Errorf("at the start: got %+v", route)
	}
	req := vpc.NewReplaceRoutesRequest()
	req.RouteTableId = common.StringPtr("rtb-11111111")
	route.GatewayId = common.StringPtr("10.0.4.21")
	req.Routes = []*vpc.Route{route}
	resp, err := c.vpc.ReplaceRoutes(req)
	if err != nil || *resp.Response.OldRouteSet[0].GatewayId != "10.0.4.20" || *resp.Response.NewRouteSet[0].GatewayId != "10.0.4.21" {
		t.Errorf("replace: got %v, %v", resp, err)
	}
	for table, want := range map[string]providers.Target{
		"rtb-11111111": {PrivateIP: onB.PrivateIP}, "rtb-22222222": {PrivateIP: onA.PrivateIP},
	} {
		if got := w.model.HolderIn(slot(table)); got != want {
			t.Errorf("%s: got %s, want %s", table, got, want)
		}
	}
}

func TestTheVendorsClientReadsAHAVIP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{DriftDelay: time.Second})
	c := newSDK(w)
	describe := func() *vpc.HaVip {
		t.Helper()
		req := vpc.NewDescribeHaVipsRequest()
		req.HaVipIds = common.StringPtrs([]string{"havip-11111111"})
		resp, err := c.vpc.DescribeHaVips(req)
		w.must(err)
		return resp.Response.HaVipSet[0]
	}
	if h := describe(); *h.Vip != vip.String() || *h.InstanceId != "ins-aaaaaaaa" || *h.NetworkInterfaceId != "eni-aaaaaaaa" ||
		*h.State != "AVAILABLE" || *h.FlushedTime != "0000-00-00 00:00:00" {
		t.Errorf("at the start: got %+v", h)
	}
	if !w.tc.Announce("ins-bbbbbbbb", vip) {
		t.Error("the announcement was ignored")
	}
	w.advance(time.Second)
	if h := describe(); *h.InstanceId != "ins-bbbbbbbb" || *h.NetworkInterfaceId != "eni-bbbbbbbb" || *h.FlushedTime == "0000-00-00 00:00:00" {
		t.Errorf("after the announcement: got %+v", h)
	}
	eip := vpc.NewHaVipAssociateAddressIpRequest()
	eip.HaVipId, eip.AddressIp = common.StringPtr("havip-11111111"), common.StringPtr(eipFree.String())
	_, err := c.vpc.HaVipAssociateAddressIp(eip)
	w.must(err)
	w.advance(faketencent.BindDelay)
	if h := describe(); *h.AddressIp != eipFree.String() {
		t.Errorf("its EIP: got %s", *h.AddressIp)
	}
	_, err = c.any("vpc", "AssociateHaVipInstance", map[string]any{"HaVipAssociationSet": []map[string]any{
		{"HaVipId": "havip-11111111", "InstanceId": "ins-aaaaaaaa", "InstanceType": "CVM"},
	}})
	w.must(err)
	if h := describe(); len(h.HaVipAssociationSet) != 1 || *h.HaVipAssociationSet[0].InstanceId != "ins-aaaaaaaa" {
		t.Errorf("its range: got %+v", h.HaVipAssociationSet)
	}
}

func TestTheVendorsClientReadsMachines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	c := newSDK(w)
	for _, tt := range []struct {
		service, action string
		params          map[string]any
		want            []string
	}{
		{"cvm", "DescribeInstances", map[string]any{"InstanceIds": []string{"ins-bbbbbbbb"}},
			[]string{`"InstanceId":"ins-bbbbbbbb"`, `"InstanceState":"RUNNING"`, `"Zone":"ap-guangzhou-3"`, `"TotalCount":1`}},
		{"cvm", "DescribeInstancesStatus", map[string]any{}, []string{`"InstanceState":"RUNNING"`, `"TotalCount":3`}},
		{"cvm", "DescribeDisasterRecoverGroups", map[string]any{"DisasterRecoverGroupIds": []string{"ps-11111111"}},
			[]string{`"InstanceIds":["ins-aaaaaaaa","ins-bbbbbbbb"]`, `"Affinity":1`, `"Strategy":"SPREAD"`}},
		{"vpc", "DescribeSubnets", map[string]any{"SubnetIds": []string{"subnet-other"}}, []string{`"CidrBlock":"10.0.5.0/24"`}},
		{"vpc", "DescribeVpcs", map[string]any{}, []string{`"CidrBlock":"10.0.0.0/16"`}},
	} {
		body, err := c.any(tt.service, tt.action, tt.params)
		w.must(err)
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: got %s, want %s in it", tt.action, body, want)
			}
		}
	}
}
