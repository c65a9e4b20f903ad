// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

// securityGroup is the one that every interface is in.
const securityGroup = "sg-0fipctl0aa"

// The documents of network interfaces ("NetworkInterface" of the vpc service).
type (
	interfaceDocument struct {
		NetworkInterfaceID      string       `json:"networkInterfaceId"`
		NetworkInterfaceName    string       `json:"networkInterfaceName"`
		AZType                  string       `json:"azType"`
		AZ                      string       `json:"az"`
		Role                    string       `json:"role"`
		MACAddress              string       `json:"macAddress"`
		VPCID                   string       `json:"vpcId"`
		SubnetID                string       `json:"subnetId"`
		NetworkSecurityGroupIDs []string     `json:"networkSecurityGroupIds"`
		SanityCheck             int          `json:"sanityCheck"`
		PrimaryIP               ipDocument   `json:"primaryIp"`
		SecondaryIPs            []ipDocument `json:"secondaryIps"`
		SecondaryCIDRs          []string     `json:"secondaryCidrs"`
		InstanceType            string       `json:"instanceType"`
		InstanceID              string       `json:"instanceId"`
		DeviceIndex             int          `json:"deviceIndex"`
		Description             string       `json:"description"`
		AttachmentStatus        string       `json:"attachmentStatus"`
		Status                  string       `json:"networkInterfaceStatus"`
		CreatedTime             string       `json:"createdTime"`
	}
	ipDocument struct {
		PrivateIPAddress string `json:"privateIpAddress"`
		ElasticIPID      string `json:"elasticIpId"`
		ElasticIPAddress string `json:"elasticIpAddress"`
		SubnetID         string `json:"subnetId"`
	}
)

func (a *api) describeInterface(r *request) reply {
	n := a.nic(r, r.id)
	if n == nil {
		return notFound()
	}
	return reply{result: map[string]any{"networkInterface": a.interfaceDocument(r, n)}}
}

func (a *api) describeInterfaces(r *request) reply {
	f, bad := r.filters("networkInterfaceIds", "networkInterfaceNames", "vpcId", "subnetId", "role", "azType", "azs")
	if bad != nil {
		return *bad
	}
	var docs []interfaceDocument
	for _, n := range a.world.interfaces {
		if a.nic(r, n.ID) == nil || !f.allow("networkInterfaceIds", n.ID) || !f.allow("subnetId", n.Subnet) {
			continue // before the document is made: there may be many
		}
		d := a.interfaceDocument(r, n)
		if f.allow("networkInterfaceNames", d.NetworkInterfaceName) && f.allow("vpcId", d.VPCID) &&
			f.allow("role", d.Role) && f.allow("azType", d.AZType) && f.allow("azs", d.AZ) {
			docs = append(docs, d)
		}
	}
	return list(r, "networkInterfaces", docs)
}

// nic returns the interface, unless the region has no such one, or no longer: it goes
// with its machine.
func (a *api) nic(r *request, id string) *Interface {
	n := a.world.nic(id)
	if n == nil || n.Region != r.region || gone(r.view, n.Instance) {
		return nil
	}
	return n
}

func (a *api) interfaceDocument(r *request, n *Interface) interfaceDocument {
	d := interfaceDocument{
		NetworkInterfaceID: n.ID, NetworkInterfaceName: n.ID, AZType: "standard", Role: "Secondary",
		MACAddress: n.MAC, VPCID: vpcDefault, SubnetID: n.Subnet, NetworkSecurityGroupIDs: []string{securityGroup},
		PrimaryIP: a.ipDocument(r, n, text(n.PrimaryIP)), SecondaryIPs: []ipDocument{}, SecondaryCIDRs: []string{},
		InstanceType: n.InstanceType, InstanceID: n.Instance, DeviceIndex: n.deviceIndex,
		AttachmentStatus: "attached", Status: "enabled", CreatedTime: createdTime,
	}
	if n.deviceIndex == 1 {
		d.Role = "Primary"
	}
	if n.Instance == "" {
		d.AttachmentStatus = "detached"
	}
	if n.SanityCheck {
		d.SanityCheck = 1
	}
	if s := a.world.subnet(n.Subnet); s != nil {
		d.VPCID = s.VPC
	}
	for _, p := range a.secondaries(r.view, n.ID) {
		d.SecondaryIPs = append(d.SecondaryIPs, a.ipDocument(r, n, p.IP.String()))
	}
	return d
}

// ipDocument is a private address of an interface with the EIP that maps to it.
func (a *api) ipDocument(r *request, n *Interface, ip string) ipDocument {
	d := ipDocument{PrivateIPAddress: ip, SubnetID: n.Subnet}
	for _, e := range a.world.eips {
		if at := holder(r.view, e.IP); at.Interface == n.ID && text(at.PrivateIP) == ip {
			d.ElasticIPID, d.ElasticIPAddress = e.ID, e.IP.String()
		}
	}
	return d
}
