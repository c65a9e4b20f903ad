// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"

	vpc "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// eip moves elastic IPs between the primary private addresses of machines. Only an
// unbound EIP can be bound, so a move is a detach and an attach.
type eip struct{ machines }

var (
	_ providers.Provider    = (*eip)(nil)
	_ providers.Releaser    = (*eip)(nil)
	_ providers.BatchReader = (*eip)(nil)
	_ providers.Inspector   = (*eip)(nil)
	_ providers.Preflighter = (*eip)(nil)
	_ providers.Tracker     = (*eip)(nil)
	_ providers.Placer      = (*eip)(nil)
)

// Capabilities implements providers.Provider.
func (*eip) Capabilities() providers.Capabilities { return capabilities[providers.KindEIP] }

func checkEIP(op string, a providers.Address) error {
	return checkAddress(op, a, providers.KindEIP, "eip-", "an EIP")
}

func (p *eip) reader(ctx context.Context) reader[*vpc.Address] {
	translate := func(op, requestID string, a providers.Address, e *vpc.Address) (providers.Assignment, error) {
		return p.ownerOf(ctx, op, requestID, a, e)
	}
	return reader[*vpc.Address]{p.cloud, checkEIP, p.describe, translate}
}

// ownerOf adds to the owner the private address, where the answer names the machine
// alone: bound by its id, an EIP is on the machine's primary address ("AssociateAddress"),
// and the address is null there in some answers.
func (p *eip) ownerOf(ctx context.Context, op, requestID string, a providers.Address, e *vpc.Address) (providers.Assignment, error) {
	out, err := ownerOfEIP(op, requestID, a, e)
	if err == nil {
		p.cloud.rememberEIP(a, e)
	}
	if err != nil || !isID(out.Target.Instance, "ins-") || out.Target.PrivateIP.IsValid() {
		return out, err
	}
	ip, err := p.primaryOf(ctx, op, out.Target.Instance)
	if err != nil {
		return providers.Assignment{}, err
	}
	out.Target.PrivateIP, out.PrivateAddresses = ip, []netip.Addr{ip}
	return out, nil
}

// Owner implements providers.Provider, with a second read once a minute where the answer
// lacks the private address of the machine.
func (p *eip) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	return p.reader(ctx).owner(ctx, a)
}

// Owners implements providers.BatchReader with one call for 100 EIPs.
func (p *eip) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	return p.reader(ctx).owners(ctx, as)
}

// describe reads EIPs by id: "DescribeAddresses".
func (p *eip) describe(ctx context.Context, op string, ids []string) (found[*vpc.Address], error) {
	req := vpc.NewDescribeAddressesRequest()
	req.AddressIds, req.Limit = pointers(ids...), pointer[int64](idsMax)
	return p.list(ctx, op, req)
}

func (p *eip) list(ctx context.Context, op string, req *vpc.DescribeAddressesRequest) (found[*vpc.Address], error) {
	resp := vpc.NewDescribeAddressesResponse()
	id, err := p.cloud.send(ctx, op, req, resp)
	if err != nil {
		return found[*vpc.Address]{}, err
	}
	if resp.Response == nil || resp.Response.AddressSet == nil {
		return found[*vpc.Address]{}, unreadable(op, id, missing("AddressSet"))
	}
	return index(op, id, "AddressSet.AddressId", resp.Response.AddressSet, func(a *vpc.Address) *string { return a.AddressId })
}

// ownerOfEIP is an EIP in the words of the contract. The status decides first: the
// service leaves the last machine in the document of an unbound EIP.
//
//	status      holder                   pending
//	UNBIND      nobody                   no
//	BIND        the machine, or what     no
//	            else has an id; without
//	            one the answer contradicts
//	            itself
//	BINDED      as for BIND, in samples  no
//	BIND_ENI    the detached interface   no
//	BINDING     nobody yet               yes
//	UNBINDING   as for BIND or BIND_ENI  yes
//	CREATING    nobody                   yes
//	OFFLINING   NotFound: it is being released
func ownerOfEIP(op, requestID string, a providers.Address, e *vpc.Address) (providers.Assignment, error) {
	bad := func(err error) (providers.Assignment, error) {
		return providers.Assignment{}, unreadable(op, requestID, err)
	}
	ip, err := parseIP("AddressIp", text(e.AddressIp))
	if err != nil {
		return bad(err)
	}
	if ip != a.IP {
		return providers.Assignment{}, refuse(op, providers.Invalid, "id: %s is the EIP %s; correct the id or the ip", a.ID, ip)
	}
	switch s := text(e.AddressStatus); s {
	case "UNBIND":
		return providers.Assignment{}, nil
	case "BINDING", "CREATING":
		return providers.Assignment{Pending: true}, nil
	case "OFFLINING":
		return providers.Assignment{}, refuse(op, providers.NotFound, "the EIP is being released (OFFLINING)")
	case "BIND", "BINDED", "BIND_ENI", "UNBINDING":
		t, err := holderOfEIP(e)
		switch {
		case err != nil:
			return bad(err)
		case t.Instance == "" && (s == "BIND" || s == "BINDED"):
			return bad(wrong("InstanceId", "missing, but the EIP is %s to %s; one on an interface of no machine is BIND_ENI", s, t))
		}
		out := providers.Assignment{Target: t, Pending: s == "UNBINDING"}
		if t.PrivateIP.IsValid() {
			out.PrivateAddresses = []netip.Addr{t.PrivateIP}
		}
		return out, nil
	default:
		return bad(wrong("AddressStatus", "%s is not known", cloudhttp.Quote(s)))
	}
}

// rememberEIP keeps an EIP as it was last read, for the write that takes it off its holder.
// There are as many as there are in the configuration.
func (c *Cloud) rememberEIP(a providers.Address, e *vpc.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eips[a] = e
}

// lastRead returns an EIP as it was last read; nil: it was not.
func (c *Cloud) lastRead(a providers.Address) *vpc.Address {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.eips[a]
}

// detachable refuses an EIP that would be lost, or could not be bound again, if it were
// detached: it stays with whoever holds it, and no node takes it. The vendor's samples lack
// CascadeRelease where there is none; so absence means no.
func detachable(op string, e *vpc.Address) error {
	switch {
	case value(e.CascadeRelease):
		return refuse(op, providers.Invalid, "the EIP is released as soon as it is unbound (CascadeRelease); turn that off first")
	case value(e.IsArrears):
		return refuse(op, providers.Invalid, hintArrears)
	case value(e.IsBlocked):
		return refuse(op, providers.Invalid, hintBlocked)
	}
	return nil
}

// holderOfEIP names who holds a bound EIP: a machine by itself and its private
// address, if the answer has that, anything else by what the answer has.
func holderOfEIP(e *vpc.Address) (t providers.Target, err error) {
	t.Instance = cloudhttp.Clean(text(e.InstanceId))
	private := text(e.PrivateAddressIp)
	machine := isID(t.Instance, "ins-")
	if private != "" {
		if t.PrivateIP, err = parseIP("PrivateAddressIp", private); err != nil {
			return providers.Target{}, err
		}
	}
	if !machine {
		t.Interface = cloudhttp.Clean(text(e.NetworkInterfaceId))
	}
	if t.Instance == "" && t.Interface == "" {
		return providers.Target{}, missing("InstanceId and NetworkInterfaceId")
	}
	return t, nil
}

// Assign implements providers.Provider: DisassociateAddress if seen names a holder,
// else AssociateAddress to the machine's primary address. The API cannot say from
// whom an EIP is detached.
func (p *eip) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	op := fmt.Sprintf("assign %s to %s", a, to)
	if err := checkEIP(op, a); err != nil {
		return providers.Result{}, err
	}
	if err := checkTarget(op, to, p.Capabilities().Target); err != nil {
		return providers.Result{}, err
	}
	switch {
	case seen.Target.PartOf(to):
		return providers.Result{}, refuse(op, providers.Conflict, "it is on %s, which is of this target; it is not taken off its own machine", seen.Target)
	case !seen.Target.IsZero():
		return p.detach(ctx, op, a, seen.Target)
	}
	req := vpc.NewAssociateAddressRequest()
	req.AddressId, req.InstanceId = &a.ID, &to.Instance
	resp := vpc.NewAssociateAddressResponse()
	id, err := p.cloud.send(ctx, op, req, resp)
	if err != nil || resp.Response == nil {
		return providers.Result{}, err
	}
	return providers.Result{RequestID: id, Operation: text(resp.Response.TaskId)}, nil
}

// Release implements providers.Releaser. The API cannot say from whom: it takes the
// EIP off whoever holds it.
func (p *eip) Release(ctx context.Context, a providers.Address, from providers.Target) (providers.Result, error) {
	op := fmt.Sprintf("release %s from %s", a, from)
	if err := checkEIP(op, a); err != nil {
		return providers.Result{}, err
	}
	if err := checkTarget(op, from, p.Capabilities().Target); err != nil {
		return providers.Result{}, err
	}
	return p.detach(ctx, op, a, from)
}

// detach takes an EIP off a machine or off an interface on no machine. Anything else
// is refused: it belongs to something that is not ours (invariant 13).
func (p *eip) detach(ctx context.Context, op string, a providers.Address, from providers.Target) (providers.Result, error) {
	loose := from.Instance == "" && isID(from.Interface, "eni-")
	if !loose && !isID(from.Instance, "ins-") {
		return providers.Result{}, refuse(op, providers.Invalid, "the EIP is bound to %s, which is no machine; unbind it there", from)
	}
	if e := p.cloud.lastRead(a); e != nil {
		if err := detachable(op, e); err != nil {
			return providers.Result{}, err
		}
	}
	req := vpc.NewDisassociateAddressRequest()
	req.AddressId = &a.ID
	resp := vpc.NewDisassociateAddressResponse()
	id, err := p.cloud.send(ctx, op, req, resp)
	if err != nil || resp.Response == nil {
		return providers.Result{}, err
	}
	// The task may be null: then it is done, as the owner read will show.
	return providers.Result{RequestID: id, Operation: text(resp.Response.TaskId)}, nil
}

// Operation implements providers.Tracker: "DescribeTaskResult", which takes the
// number that the write answered as text.
func (p *eip) Operation(ctx context.Context, a providers.Address, r providers.Result) (providers.OperationState, error) {
	op := fmt.Sprintf("read task %s of %s", r.Operation, a)
	task, err := strconv.ParseUint(r.Operation, 10, 64)
	if err != nil {
		return providers.OperationUnknown, nil
	}
	req := vpc.NewDescribeTaskResultRequest()
	req.TaskId = &task
	resp := vpc.NewDescribeTaskResultResponse()
	if _, err := p.cloud.send(ctx, op, req, resp); err != nil || resp.Response == nil {
		return taskError(err)
	}
	return taskState(text(resp.Response.Result)), nil
}

// taskError is the state of a task that cannot be asked about: unknown, also where
// the credential may not ask.
func taskError(err error) (providers.OperationState, error) {
	switch providers.KindOf(err) {
	case providers.Transient, providers.Throttled, providers.Canceled:
		return providers.OperationUnknown, err
	}
	return providers.OperationUnknown, nil
}

// taskState reads the word of both task systems.
func taskState(word string) providers.OperationState {
	switch word {
	case "SUCCESS":
		return providers.OperationDone
	case "FAILED":
		return providers.OperationFailed
	case "RUNNING":
		return providers.OperationPending
	}
	return providers.OperationUnknown
}
