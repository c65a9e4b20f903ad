// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"fmt"
	"slices"

	"github.com/fipctl/fipctl/pkg/providers"
)

// The documents of the vm service ("describeInstance"), as far as clients care.
type (
	instanceDocument struct {
		InstanceID       string              `json:"instanceId"`
		InstanceName     string              `json:"instanceName"`
		Hostname         string              `json:"hostname"`
		InstanceType     string              `json:"instanceType"`
		VPCID            string              `json:"vpcId"`
		SubnetID         string              `json:"subnetId"`
		PrivateIPAddress string              `json:"privateIpAddress"`
		ElasticIPID      string              `json:"elasticIpId"`
		ElasticIPAddress string              `json:"elasticIpAddress"`
		Status           string              `json:"status"`
		Description      string              `json:"description"`
		ImageID          string              `json:"imageId"`
		Primary          attachment          `json:"primaryNetworkInterface"`
		Secondary        []attachment        `json:"secondaryNetworkInterfaces"`
		LaunchTime       string              `json:"launchTime"`
		AZ               string              `json:"az"`
		AG               map[string]string   `json:"ag,omitempty"`
		FaultDomain      string              `json:"faultDomain"`
		DedicatedHostID  string              `json:"dedicatedHostId"`
		Tags             []map[string]string `json:"tags"`
	}
	attachment struct {
		DeviceIndex int               `json:"deviceIndex"`
		AutoDelete  bool              `json:"autoDelete"`
		Interface   attachedInterface `json:"networkInterface"`
	}
	attachedInterface struct {
		NetworkInterfaceID string              `json:"networkInterfaceId"`
		MACAddress         string              `json:"macAddress"`
		VPCID              string              `json:"vpcId"`
		SubnetID           string              `json:"subnetId"`
		SecurityGroups     []map[string]string `json:"securityGroups"`
		SanityCheck        int                 `json:"sanityCheck"`
		PrimaryIP          ipDocument          `json:"primaryIp"`
		SecondaryIPs       []ipDocument        `json:"secondaryIps"`
		IPv6Addresses      []string            `json:"ipv6Addresses"`
	}
)

func (a *api) describeInstance(r *request) reply {
	m := a.machine(r, r.id)
	if m == nil {
		return noInstance(r.id)
	}
	return reply{result: map[string]any{"instance": a.instanceDocument(r, m)}}
}

// machine returns the machine, unless the region has no such one, or no longer.
func (a *api) machine(r *request, id string) *Machine {
	m := a.world.machine(id)
	if m == nil || m.Region != r.region || gone(r.view, id) {
		return nil
	}
	return m
}

func (a *api) describeInstances(r *request) reply {
	f, bad := r.filters("instanceId", "privateIpAddress", "az", "vpcId", "status", "name", "networkInterfaceId",
		"subnetId", "agId", "faultDomain", "dedicatedHostId", "elasticIpAddress")
	if bad != nil {
		return *bad
	}
	var docs []instanceDocument
	for _, m := range a.world.machines {
		if a.machine(r, m.ID) == nil {
			continue
		}
		d := a.instanceDocument(r, m)
		if f.allow("instanceId", d.InstanceID) && f.allowPart("privateIpAddress", d.PrivateIPAddress) &&
			f.allow("az", d.AZ) && f.allow("vpcId", d.VPCID) && f.allow("status", d.Status) &&
			f.allow("name", d.InstanceName) && f.allow("networkInterfaceId", m.Interface) &&
			f.allow("subnetId", d.SubnetID) && f.allow("agId", m.Group) && f.allow("faultDomain", d.FaultDomain) &&
			f.allow("dedicatedHostId", d.DedicatedHostID) && f.allow("elasticIpAddress", d.ElasticIPAddress) {
			docs = append(docs, d)
		}
	}
	return list(r, "instances", docs)
}

func (a *api) describeInstanceStatus(r *request) reply {
	f, bad := r.filters("instanceId")
	if bad != nil {
		return *bad
	}
	var docs []map[string]string
	for _, m := range a.world.machines {
		if a.machine(r, m.ID) != nil && f.allow("instanceId", m.ID) {
			docs = append(docs, map[string]string{"instanceId": m.ID, "status": a.status(r, m)})
		}
	}
	return list(r, "instanceStatuses", docs)
}

// SetStatus makes the machine show a status that passes by itself, such as "resizing",
// during which no EIP can be bound to it; empty: its own again.
func (s *Server) SetStatus(instance, status string) error {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	m := s.api.world.machine(instance)
	if m == nil {
		return fmt.Errorf("set status of machine %s: there is no such machine", instance)
	}
	m.status = status
	return nil
}

func (a *api) status(r *request, m *Machine) string {
	if m.status != "" {
		return m.status
	}
	if i, err := r.view.Instance(m.ID); err == nil && i.State == providers.InstanceStopped {
		return "stopped"
	}
	return "running"
}

func (a *api) instanceDocument(r *request, m *Machine) instanceDocument {
	d := instanceDocument{
		InstanceID: m.ID, InstanceName: m.Name, Hostname: m.Name, InstanceType: "g.n3.medium",
		VPCID: m.VPC, SubnetID: m.Subnet, Status: a.status(r, m), ImageID: "img-0fipctl0aa",
		Secondary: []attachment{}, LaunchTime: "2026-01-01 00:00:00", AZ: m.AZ,
		FaultDomain: m.FaultDomain, DedicatedHostID: m.DedicatedHost, Tags: []map[string]string{},
	}
	for _, n := range a.world.interfaces {
		switch {
		case n.Instance != m.ID:
		case n.deviceIndex == 1:
			d.Primary = a.attachment(r, n)
		default:
			d.Secondary = append(d.Secondary, a.attachment(r, n))
		}
	}
	slices.SortFunc(d.Secondary, func(a, b attachment) int { return a.DeviceIndex - b.DeviceIndex })
	ip := d.Primary.Interface.PrimaryIP
	d.PrivateIPAddress, d.ElasticIPID, d.ElasticIPAddress = ip.PrivateIPAddress, ip.ElasticIPID, ip.ElasticIPAddress
	if m.Group != "" {
		d.AG = map[string]string{"id": m.Group, "name": m.Group}
		if g := a.world.group(m.Group); g != nil {
			d.AG["name"] = g.Name
		}
	}
	return d
}

func (a *api) attachment(r *request, n *Interface) attachment {
	full := a.interfaceDocument(r, n)
	return attachment{n.deviceIndex, n.deviceIndex == 1, attachedInterface{
		NetworkInterfaceID: full.NetworkInterfaceID, MACAddress: full.MACAddress, VPCID: full.VPCID,
		SubnetID:       full.SubnetID,
		SecurityGroups: []map[string]string{{"groupId": securityGroup, "groupName": "default"}},
		SanityCheck:    full.SanityCheck, PrimaryIP: full.PrimaryIP, SecondaryIPs: full.SecondaryIPs,
		IPv6Addresses: []string{},
	}}
}
