// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"cmp"
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// EIP is an elastic IP.
type EIP struct {
	ID     string // empty: made from the address
	IP     netip.Addr
	Holder providers.Target // zero: nobody; a machine without more means its primary interface and address

	InstanceType string // of a holder that is no machine: lb, natgw, havip ...
	AZ           string // the only zone whose machines it can be bound to; empty: all
	ChargeStatus string // normal (also when empty), overdue or arrear
	Down         bool   // its state is DOWN
	Edge         bool   // of type edge: lists show it only when asked for
	Region       string // empty: the server's

	deleted bool
}

// AddEIP adds e to the model. Id and address must be new.
func (s *Server) AddEIP(e EIP) error {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	e.ID = cmp.Or(e.ID, "fip-"+fmt.Sprintf("%x", e.IP.AsSlice()))
	e.ChargeStatus = cmp.Or(e.ChargeStatus, "normal")
	e.Region = cmp.Or(e.Region, s.api.options.Region)
	e.Holder = s.api.complete(e.Holder)
	if s.api.world.eip(e.ID) != nil {
		return fmt.Errorf("add EIP %s: it exists already", e.ID)
	}
	if err := s.api.admit(e.Holder, e.Region); err != nil {
		return err
	}
	if err := s.api.model.AddAddress(fakecloud.Address{IP: e.IP, Region: e.Region, Holder: e.Holder}); err != nil {
		return err
	}
	s.api.world.eips = append(s.api.world.eips, &e)
	return nil
}

// eipDocument is an EIP ("ElasticIp" of the vpc service).
type eipDocument struct {
	ElasticIPID        string              `json:"elasticIpId"`
	ElasticIPName      string              `json:"elasticIpName"`
	ElasticIPAddress   string              `json:"elasticIpAddress"`
	BandwidthMbps      int                 `json:"bandwidthMbps"`
	Provider           string              `json:"provider"`
	PrivateIPAddress   string              `json:"privateIpAddress"`
	NetworkInterfaceID string              `json:"networkInterfaceId"`
	InstanceID         string              `json:"instanceId"`
	InstanceType       string              `json:"instanceType"`
	Charge             map[string]string   `json:"charge"`
	CreatedTime        string              `json:"createdTime"`
	AZ                 string              `json:"az"`
	IPType             string              `json:"ipType"`
	Status             string              `json:"status,omitempty"`
	State              string              `json:"state,omitempty"`
	Tags               []map[string]string `json:"tags"`
}

func (a *api) describeElasticIP(r *request) reply {
	e := a.eip(r, r.id)
	if e == nil {
		return notFound()
	}
	return reply{result: map[string]any{"elasticIp": a.eipDocument(r, e)}}
}

// eip returns the EIP, unless the region has no such one, or no longer.
func (a *api) eip(r *request, id string) *EIP {
	e := a.world.eip(id)
	if e == nil || e.Region != r.region || e.deleted {
		return nil
	}
	return e
}

func (a *api) describeElasticIPs(r *request) reply {
	f, bad := r.filters("elasticIpIds", "elasticIpNames", "elasticIpAddress", "chargeStatus", "ipType", "azs", "status", "providers")
	if bad != nil {
		return *bad
	}
	if _, asked := f["ipType"]; !asked {
		f["ipType"] = []string{"standard"}
	}
	all := map[string]bool{"ipType": f.wants("ipType", "all"), "status": f.wants("status", "ALL")}
	var docs []eipDocument
	for _, e := range a.world.eips {
		if a.eip(r, e.ID) == nil {
			continue
		}
		d := a.eipDocument(r, e)
		bound := "ASSOCIATED" // also where the document does not say so
		if holder(r.view, e.IP).IsZero() {
			bound = "NOT_ASSOCIATED"
		}
		if f.allow("elasticIpIds", d.ElasticIPID) && f.allow("elasticIpNames", d.ElasticIPName) &&
			f.allow("elasticIpAddress", d.ElasticIPAddress) && f.allow("chargeStatus", e.ChargeStatus) &&
			(all["ipType"] || f.allow("ipType", d.IPType)) && f.allow("azs", d.AZ) &&
			(all["status"] || f.allow("status", bound)) && f.allow("providers", d.Provider) {
			docs = append(docs, d)
		}
	}
	return list(r, "elasticIps", docs)
}

func (a *api) eipDocument(r *request, e *EIP) eipDocument {
	addr, _ := r.view.Address(e.IP) // every EIP is in the model
	d := eipDocument{
		ElasticIPID: e.ID, ElasticIPName: e.ID, ElasticIPAddress: e.IP.String(), BandwidthMbps: 5, Provider: "bgp",
		PrivateIPAddress: text(addr.Holder.PrivateIP), NetworkInterfaceID: addr.Holder.Interface,
		InstanceID: addr.Holder.Instance, CreatedTime: createdTime, AZ: e.AZ, IPType: "standard",
		Charge: map[string]string{"chargeMode": "postpaid_by_duration", "chargeStatus": e.ChargeStatus},
		Status: "NOT_ASSOCIATED", State: "UP", Tags: []map[string]string{},
	}
	if e.Edge {
		d.IPType = "edge"
	}
	if !addr.Holder.IsZero() {
		d.Status, d.InstanceType = "ASSOCIATED", "compute"
		if a.world.machine(addr.Holder.Instance) == nil {
			d.InstanceType = e.InstanceType
		}
	}
	switch {
	case a.options.EIPsWithoutState:
		d.Status, d.State = "", ""
	case addr.Pending != 0:
		d.State = "PROCESSING"
	case e.Down:
		d.State = "DOWN"
	}
	return d
}

// holder returns who held an address that is no route; zero for an unknown one.
func holder(v fakecloud.View, ip netip.Addr) providers.Target {
	addr, err := v.Address(ip)
	if err != nil {
		return providers.Target{}
	}
	return addr.Holder
}
