// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// notAssociated is the text of a real answer; the vpc service is assumed to use it too.
const notAssociated = "Elastic ip isn't associated to this instance's primary network interface"

// eipRequest is the body of the four calls that bind and unbind an EIP. The vm
// service knows only the id.
type eipRequest struct {
	ElasticIPID      string `json:"elasticIpId"`
	ElasticIPAddress string `json:"elasticIpAddress"`
	PrivateIPAddress string `json:"privateIpAddress"`
}

// associateToInstance binds to the primary address of the primary interface.
func (a *api) associateToInstance(r *request) reply {
	e, n, _, bad := a.instanceAndEIP(r)
	if bad != nil {
		return *bad
	}
	return a.associate(r, e, n, n.PrimaryIP)
}

func (a *api) disassociateFromInstance(r *request) reply {
	e, n, _, bad := a.instanceAndEIP(r)
	if bad != nil {
		return *bad
	}
	return a.disassociate(r, e, providers.Target{Instance: n.Instance, Interface: n.ID, PrivateIP: n.PrimaryIP})
}

// associateToInterface binds to the named private address of the interface. Without
// one it takes the primary, which is assumed.
func (a *api) associateToInterface(r *request) reply {
	e, n, body, bad := a.interfaceAndEIP(r)
	if bad != nil {
		return *bad
	}
	ip := n.PrimaryIP
	if body.PrivateIPAddress != "" {
		var err error
		if ip, err = netip.ParseAddr(body.PrivateIPAddress); err != nil {
			return invalid("Request parameter privateIpAddress is '%s', expected one of [IP address]", body.PrivateIPAddress)
		}
	}
	return a.associate(r, e, n, ip)
}

func (a *api) disassociateFromInterface(r *request) reply {
	e, n, _, bad := a.interfaceAndEIP(r)
	if bad != nil {
		return *bad
	}
	from := providers.Target{Instance: n.Instance, Interface: n.ID, PrivateIP: n.PrimaryIP}
	if at := holder(r.view, e.IP); at.Interface == n.ID {
		from = at
	}
	return a.disassociate(r, e, from)
}

// instanceAndEIP finds what a call of the vm service names: the primary interface of
// the instance in the path, and the EIP in the body. Changes see the truth.
func (a *api) instanceAndEIP(r *request) (e *EIP, n *Interface, body eipRequest, bad *reply) {
	r.view = a.model.View(0)
	if bad = r.decode(&body); bad != nil {
		return nil, nil, body, bad
	}
	m := a.machine(r, r.id)
	if e = a.eip(r, body.ElasticIPID); m != nil && e != nil {
		return e, a.nic(r, m.Interface), body, nil
	}
	re := noInstance(r.id)
	if m != nil {
		re = fail("NOT_FOUND", fmt.Sprintf("ElasticIpId %s not found", body.ElasticIPID))
	}
	return nil, nil, body, &re
}

// interfaceAndEIP finds what a call of the vpc service names. The EIP may be named
// by its address.
func (a *api) interfaceAndEIP(r *request) (e *EIP, n *Interface, body eipRequest, bad *reply) {
	r.view = a.model.View(0)
	if bad = r.decode(&body); bad != nil {
		return nil, nil, body, bad
	}
	for _, other := range a.world.eips {
		if body.ElasticIPID == "" && other.IP.String() == body.ElasticIPAddress {
			body.ElasticIPID = other.ID
		}
	}
	e, n = a.eip(r, body.ElasticIPID), a.nic(r, r.id)
	if e == nil || n == nil {
		re := notFound()
		return nil, nil, body, &re
	}
	return e, n, body, nil
}

func (a *api) associate(r *request, e *EIP, n *Interface, ip netip.Addr) reply {
	if r.Fault.Late == 0 { // a late request is judged when it arrives, and nobody hears of it
		if bad := a.refuseAssociation(r, e, n, ip); bad != nil {
			return *bad
		}
	}
	return a.changeEIP(r, fakecloud.Request{
		Verb: fakecloud.Attach, IP: e.IP, To: providers.Target{Instance: n.Instance, Interface: n.ID, PrivateIP: ip},
	})
}

// refuseAssociation returns what speaks against binding e to the address of n: first
// what passes by itself, then what must be done otherwise.
func (a *api) refuseAssociation(r *request, e *EIP, n *Interface, ip netip.Addr) *reply {
	refuse := func(re reply) *reply { return &re }
	addr, _ := r.view.Address(e.IP) // every EIP is in the model
	machine, _ := r.view.Instance(n.Instance)
	m := a.world.machine(n.Instance)
	switch {
	case addr.Pending != 0:
		return refuse(a.underlayConflict(r, e.IP))
	case !addr.Holder.IsZero():
		return refuse(precondition("ElasticIp %s already in use", e.IP))
	case machine.Pending:
		return refuse(precondition("Conflict with underlay task 'associate'"))
	case m != nil && m.status != "":
		return refuse(precondition("Invalid instance status '%s'", m.status))
	case a.ipDocument(r, n, text(ip)).ElasticIPID != "":
		return refuse(precondition("NetworkInterface already in use"))
	case m != nil && e.AZ != "" && e.AZ != m.AZ:
		return refuse(precondition("The instance and elasticIp '%s' are in different azs", e.ID))
	case ip != n.PrimaryIP && holder(r.view, ip).Interface != n.ID:
		return refuse(invalid("Request parameter privateIpAddress is '%s', expected one of the addresses of %s", ip, n.ID))
	}
	return nil
}

// disassociate unbinds e from what the call names, if that holds it.
func (a *api) disassociate(r *request, e *EIP, from providers.Target) reply {
	return a.changeEIP(r, fakecloud.Request{Verb: fakecloud.Detach, IP: e.IP, From: from})
}

// underlayConflict is the answer while an operation on the EIP runs.
func (a *api) underlayConflict(r *request, e netip.Addr) reply {
	task := "associate"
	addr, _ := r.view.Address(e) // every EIP is in the model
	if op, err := r.view.Operation(addr.Pending); err == nil && op.Verb == fakecloud.Detach {
		task = "disassociate"
	}
	return precondition("Conflict with underlay task '%s'", task)
}

// changeEIP submits a write that takes the time of a reconfiguration.
func (a *api) changeEIP(r *request, w fakecloud.Request) reply {
	w.Delay = a.options.ProcessingDelay
	switch a.submit(r, w) {
	case "":
		return reply{}
	case fakecloud.NotHeld, fakecloud.NotHolder:
		return precondition(notAssociated)
	case fakecloud.Held, fakecloud.AlreadyHolder:
		return precondition("ElasticIp %s already in use", w.IP)
	case fakecloud.AddressPending:
		return a.underlayConflict(r, w.IP)
	default:
		return notFound()
	}
}

// submit hands a write to the model, or lets it arrive late if the script wants that,
// and notes for the journal what came of it.
func (a *api) submit(r *request, w fakecloud.Request) (refusal fakecloud.Refusal) {
	w.Node, w.Fail = r.Node, r.Fault.FailOperation
	what := fmt.Sprintf("%s %s to %s", w.Verb, fakecloud.Slot{IP: w.IP, Table: w.Table}, w.To)
	if w.Verb == fakecloud.Detach {
		what = fmt.Sprintf("%s %s from %s", w.Verb, fakecloud.Slot{IP: w.IP, Table: w.Table}, w.From)
	}
	if late := r.Fault.Late; late > 0 {
		r.Operation = a.model.SubmitAt(a.model.Now().Add(late), w)
		r.note("%s: arrives %s late as operation %d", what, late, r.Operation)
		return ""
	}
	op, err := a.model.Submit(w)
	if errors.As(err, &refusal) {
		r.note("%s: refused, %s", what, refusal)
		return refusal
	}
	r.Operation = op.ID
	r.note("%s: accepted as operation %d", what, op.ID)
	return ""
}

// note adds to what the journal says that the call did.
func (r *request) note(format string, args ...any) {
	if r.Effect != "" {
		r.Effect += "; "
	}
	r.Effect += fmt.Sprintf(format, args...)
}
