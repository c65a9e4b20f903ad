// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"net/netip"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// InstanceState implements providers.Inspector for every kind. Only the service's own
// "not found" means gone. What is no instance, such as a load balancer, is unknown.
func (c *client) InstanceState(ctx context.Context, t providers.Target) (providers.InstanceState, error) {
	if !isID(prefixInstance, t.Instance) {
		return providers.InstanceUnknown, nil
	}
	m, err := c.machine(ctx, "read state of "+t.String(), t.Instance)
	switch {
	case providers.KindOf(err) == providers.NotFound:
		return providers.InstanceGone, nil
	case err != nil:
		return providers.InstanceUnknown, err
	}
	return instanceState(m.Status), nil
}

// instanceState translates the status of an instance. What starts, stops or is being
// deleted may still act.
func instanceState(status string) providers.InstanceState {
	switch status {
	case "running", "pending", "starting", "stopping", "rebooting", "rebuilding", "resizing", "deleting":
		return providers.InstanceRunning
	case "stopped":
		return providers.InstanceStopped
	case "terminated":
		return providers.InstanceGone
	default: // "error", and what is not documented
		return providers.InstanceUnknown
	}
}

// Placement implements providers.Placer for every kind, with one read, and one more for
// a machine in an availability group. Without the permission for that one, the group is
// told without what it promises.
func (c *client) Placement(ctx context.Context, t providers.Target) (providers.Placement, error) {
	op := "read placement of " + t.String()
	if !isID(prefixInstance, t.Instance) {
		return providers.Placement{}, refuse(op, providers.Invalid, "target %q is not a machine with %s", t, partNames(providers.PartInstance))
	}
	m, err := c.machine(ctx, op, t.Instance)
	if err != nil {
		return providers.Placement{}, err
	}
	p := providers.Placement{Zone: m.Zone, Host: m.Host, Group: m.Group.ID, Partition: m.FaultDomain}
	if p.Group == "" || !idForm.MatchString(p.Group) {
		return p, nil
	}
	var doc groupResult
	err = c.get(ctx, op, call{service: "ag", operation: "describeAg", path: "/availabilityGroups/" + p.Group}, &doc)
	switch kind := providers.KindOf(err); {
	case err != nil && (kind == providers.Denied || kind == providers.NotFound):
		return p, nil
	case err != nil:
		return providers.Placement{}, err
	}
	p.Spread = doc.Group.Placement == "host" || doc.Group.Placement == "switch"
	return p, nil
}

// groupResult: "describeAg".
type groupResult struct {
	Group *struct {
		Placement string `json:"placementType"` // fd, switch, host
	} `json:"ag"`
}

func (r *groupResult) check() error {
	if r.Group == nil {
		return missing("ag")
	}
	return nil
}

// privateAddress returns the primary private address of a machine, remembered for
// factAge. It is only to recognise a node by: what cannot be learnt is left out, and
// not asked for again so soon.
func (c *client) privateAddress(ctx context.Context, op, instance string) []netip.Addr {
	known, ok := c.facts.get(instance, c.now())
	if !ok {
		if m, err := c.machine(ctx, op, instance); err == nil {
			known = netip.PrefixFrom(m.private, m.private.BitLen())
		}
		c.facts.put(instance, known, c.now())
	}
	if !known.IsValid() {
		return nil
	}
	return []netip.Addr{known.Addr()}
}

// machine: "describeInstance".
func (c *client) machine(ctx context.Context, op, id string) (machine, error) {
	var doc machineResult
	err := c.get(ctx, op, call{service: "vm", operation: "describeInstance", path: "/instances/" + id}, &doc)
	switch {
	case err != nil:
		return machine{}, err
	case doc.Machine.ID != id:
		return machine{}, refuse(op, providers.Transient, "instance.instanceId: asked for %s, got %s", id, cloudhttp.Quote(doc.Machine.ID))
	}
	return *doc.Machine, nil
}

type machineResult struct {
	Machine *machine `json:"instance"`
}

// machine is an instance as the API shows it.
type machine struct {
	ID      string `json:"instanceId"`
	Status  string `json:"status"`
	Zone    string `json:"az"`
	VPC     string `json:"vpcId"`
	Private string `json:"privateIpAddress"`
	Group   struct {
		ID string `json:"id"`
	} `json:"ag"`
	FaultDomain string        `json:"faultDomain"`
	Host        string        `json:"dedicatedHostId"`
	Primary     *attachedNIC  `json:"primaryNetworkInterface"`
	Secondary   []attachedNIC `json:"secondaryNetworkInterfaces"`
	private     netip.Addr
}

type attachedNIC struct {
	NIC *machineNIC `json:"networkInterface"`
}

// machineNIC is a network interface inside an instance. What is empty is left out.
type machineNIC struct {
	ID        string       `json:"networkInterfaceId"`
	PrimaryIP nicAddress   `json:"primaryIp"`
	Secondary []nicAddress `json:"secondaryIps"`
}

// nicAddress is a private address of an interface, and the EIP that is mapped to it.
type nicAddress struct {
	IP  string `json:"privateIpAddress"`
	EIP string `json:"elasticIpId"`
}

func (r *machineResult) check() error {
	m := r.Machine
	switch {
	case m == nil:
		return missing("instance")
	case m.Status == "":
		return missing("instance.status")
	}
	if ip, err := netip.ParseAddr(m.Private); err == nil {
		m.private = ip // else not known: the state of a machine does not depend on it
	}
	return nil
}

// nic returns the interface with this id.
func (m *machine) nic(id string) (*machineNIC, bool) {
	all := m.Secondary
	if m.Primary != nil {
		all = append([]attachedNIC{*m.Primary}, all...)
	}
	for _, a := range all {
		if a.NIC != nil && a.NIC.ID == id {
			return a.NIC, true
		}
	}
	return nil, false
}

// address returns the entry of a private address on n.
func (n *machineNIC) address(ip netip.Addr) (nicAddress, bool) {
	for _, a := range append([]nicAddress{n.PrimaryIP}, n.Secondary...) {
		if parsed, err := netip.ParseAddr(a.IP); err == nil && parsed == ip {
			return a, true
		}
	}
	return nicAddress{}, false
}

// ready refuses a machine that the API makes no changes for.
func (m *machine) ready(op string) error {
	switch m.Status {
	case "running":
		return nil
	case "pending", "starting", "stopping", "rebooting", "rebuilding", "resizing":
		return refuse(op, providers.Busy, "the instance is %s", m.Status)
	default:
		return refuse(op, providers.Invalid, "the instance is %s; it must be running", cloudhttp.Quote(m.Status))
	}
}
