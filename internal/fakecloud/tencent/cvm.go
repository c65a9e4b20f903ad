// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"slices"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// groupsMax is how many ids DescribeDisasterRecoverGroups takes.
const groupsMax = 10

// status is the InstanceState of a machine.
func (m Machine) status() string {
	switch {
	case m.Status != "":
		return m.Status
	case m.State == providers.InstanceStopped:
		return "STOPPED"
	}
	return "RUNNING"
}

func (a *api) describeInstances(r *request) (document, *failure) {
	page, total, v, f := a.chooseMachines(r)
	docs := []document{}
	for _, m := range page {
		docs = append(docs, a.instanceDocument(v, m))
	}
	return document{"TotalCount": total, "InstanceSet": docs}, f
}

func (a *api) describeInstancesStatus(r *request) (document, *failure) {
	page, total, _, f := a.chooseMachines(r)
	docs := []document{}
	for _, m := range page {
		docs = append(docs, document{"InstanceId": m.ID, "InstanceState": m.status()})
	}
	return document{"TotalCount": total, "InstanceStatusSet": docs}, f
}

// chooseMachines decodes and applies the parameters that both lists have. Machines
// that are gone, or unknown, are simply not in the answer.
func (a *api) chooseMachines(r *request) ([]Machine, int, fakecloud.View, *failure) {
	v := a.view()
	var in struct {
		InstanceIds []string
		intList
	}
	if f := decode(r, &in); f != nil {
		return nil, 0, v, f
	}
	s := in.selection(in.InstanceIds, "ins-", "InvalidInstanceId.Malformed", "InvalidFilter")
	page, total, f := choose(s, a.machines(v, r.region), machineField)
	return page, total, v, f
}

func machineField(m Machine, name string) ([]string, bool) {
	switch name {
	case "id", "instance-id":
		return []string{m.ID}, true
	case "instance-name":
		return []string{m.Name}, true
	case "private-ip-address":
		return texts(m.Private), true
	case "zone":
		return []string{m.Zone}, true
	case "vpc-id":
		return []string{m.VPC}, true
	case "subnet-id":
		return []string{m.Subnet}, true
	case "instance-state":
		return []string{m.status()}, true
	case "uuid":
		return []string{uuid(m.ID)}, true
	}
	return nil, false
}

// instanceDocument is an "Instance" in the data types of cvm.
func (a *api) instanceDocument(v fakecloud.View, m Machine) document {
	restrict, charging := "NORMAL", "NOT_APPLICABLE"
	if m.State == providers.InstanceStopped {
		charging = "KEEP_CHARGING"
		if m.StopCharging {
			charging = "STOP_CHARGING"
		}
	}
	public := texts(m.Public)
	primary := providers.Target{Instance: m.ID, PrivateIP: m.Private[0]}
	for _, e := range a.eips(func(e EIP) bool { return e.Region == m.Region }) {
		if st := stateOf(v, e); st.status == bound && st.holder == primary {
			public = append(public, e.IP.String())
		}
	}
	group := ""
	if len(m.Groups) > 0 {
		group = m.Groups[0]
	}
	return document{
		"Placement":  document{"Zone": m.Zone, "ProjectId": 0, "HostId": m.HostID},
		"InstanceId": m.ID, "InstanceName": m.Name, "Uuid": uuid(m.ID), "InstanceType": "S5.MEDIUM2",
		"CPU": 2, "Memory": 2, "RestrictState": restrict, "InstanceState": m.status(),
		"StopChargingMode": charging, "InstanceChargeType": "POSTPAID_BY_HOUR",
		"PrivateIpAddresses": texts(m.Private), "PublicIpAddresses": public,
		"VirtualPrivateCloud": document{
			"VpcId": m.VPC, "SubnetId": m.Subnet, "AsVpcGateway": false, "PrivateIpAddresses": texts(m.Private),
		},
		"CreatedTime": createdAtTZ, "LatestOperation": "RunInstances", "LatestOperationState": "SUCCESS",
		"LatestOperationRequestId": uuid("run/" + m.ID), "CamRoleName": a.roleName(m.ID),
		"DisasterRecoverGroupId": group, "DisasterRecoverGroupIds": append([]string{}, m.Groups...),
		"PartitionNumber": m.Partition, "Tags": []document{}, "SecurityGroupIds": []string{},
	}
}

func (a *api) describeDisasterRecoverGroups(r *request) (document, *failure) {
	var in struct {
		DisasterRecoverGroupIds []string
		Name                    string
		intList
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	if len(in.DisasterRecoverGroupIds) > groupsMax {
		return nil, fail("InvalidParameterValue.LimitExceeded", "There are more than %d ids.", groupsMax)
	}
	all := list(a, a.things.groups, func(g Group) string { return g.ID }, func(g Group) bool {
		return g.Region == r.region && (in.Name == "" || g.Name == in.Name)
	})
	s := in.selection(in.DisasterRecoverGroupIds, "ps-", "InvalidParameterValue", "InvalidFilter")
	page, total, f := choose(s, all, func(g Group, name string) ([]string, bool) {
		return []string{g.ID}, name == "id"
	})
	v := a.view()
	docs := []document{}
	for _, g := range page {
		docs = append(docs, a.groupDocument(v, g))
	}
	return document{"TotalCount": total, "DisasterRecoverGroupSet": docs}, f
}

func (a *api) groupDocument(v fakecloud.View, g Group) document {
	members := []string{}
	for _, m := range a.machines(v, g.Region) {
		if slices.Contains(m.Groups, g.ID) {
			members = append(members, m.ID)
		}
	}
	return document{
		"DisasterRecoverGroupId": g.ID, "Name": g.Name, "Type": g.Type, "CvmQuotaTotal": 50,
		"CurrentNum": len(members), "InstanceIds": members, "Affinity": g.Affinity, "Strategy": g.Strategy,
		"PartitionCount": g.Partitions, "CreateTime": createdAtTZ, "Tags": []document{},
	}
}
