// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/listing"
)

// eip moves EIPs. Nothing but describeElasticIp is asked who holds one: the services
// vm and vpc may disagree for a moment.
type eip struct {
	*client
	omitted listing.Omissions
}

var (
	_ providers.Provider    = (*eip)(nil)
	_ providers.Releaser    = (*eip)(nil)
	_ providers.BatchReader = (*eip)(nil)
	_ providers.Inspector   = (*eip)(nil)
	_ providers.Preflighter = (*eip)(nil)
	_ providers.Placer      = (*eip)(nil)
)

// Capabilities implements providers.Provider.
func (*eip) Capabilities() providers.Capabilities { return Capabilities(providers.KindEIP) }

// Owner implements providers.Provider with one read.
func (p *eip) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	op := "read owner of " + a.String()
	if err := checkAddress(op, providers.KindEIP, a); err != nil {
		return providers.Assignment{}, err
	}
	got, err := p.elasticIP(ctx, op, a)
	if err != nil {
		return providers.Assignment{}, err
	}
	return got.assignment(), nil
}

// Assign implements providers.Provider: it detaches the interface that was seen, or if
// nobody was, attaches. The API has no conditional form, but refuses to attach what is
// attached, and to detach from an interface that does not hold it.
func (p *eip) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	op := fmt.Sprintf("assign %s to %s", a, to)
	if err := checkAddress(op, providers.KindEIP, a); err != nil {
		return providers.Result{}, err
	}
	if err := checkTarget(op, providers.KindEIP, to); err != nil {
		return providers.Result{}, err
	}
	switch {
	case seen.Target.PartOf(to):
		return providers.Result{}, refuse(op, providers.Conflict, "it is on %s, which is of this target; it is not taken off its own machine", seen.Target)
	case seen.Target.IsZero():
		return p.attach(ctx, op, a, to)
	}
	return p.detach(ctx, op, a, seen.Target)
}

// Release implements providers.Releaser.
func (p *eip) Release(ctx context.Context, a providers.Address, from providers.Target) (providers.Result, error) {
	op := fmt.Sprintf("release %s from %s", a, from)
	if err := checkAddress(op, providers.KindEIP, a); err != nil {
		return providers.Result{}, err
	}
	return p.detach(ctx, op, a, from)
}

// attach: "associateElasticIp" of network interfaces. The private IP is always sent;
// what the default is was never confirmed.
func (p *eip) attach(ctx context.Context, op string, a providers.Address, to providers.Target) (providers.Result, error) {
	return p.post(ctx, op, call{
		service: "vpc", operation: "associateElasticIp",
		path: "/networkInterfaces/" + to.Interface + ":associateElasticIp",
		body: map[string]any{"elasticIpId": a.ID, "privateIpAddress": to.PrivateIP.String()},
	})
}

// detach: "disassociateElasticIp" of network interfaces.
func (p *eip) detach(ctx context.Context, op string, a providers.Address, from providers.Target) (providers.Result, error) {
	if err := canTakeFrom(op, from); err != nil {
		return providers.Result{}, err
	}
	return p.post(ctx, op, call{
		service: "vpc", operation: "disassociateElasticIp", detach: true,
		path: "/networkInterfaces/" + from.Interface + ":disassociateElasticIp",
		body: map[string]any{"elasticIpId": a.ID},
	})
}

// elasticIP: "describeElasticIp". An id that is that of another address is Invalid.
func (p *eip) elasticIP(ctx context.Context, op string, a providers.Address) (elasticIP, error) {
	var doc elasticIPResult
	err := p.get(ctx, op, call{service: "vpc", operation: "describeElasticIp", path: "/elasticIps/" + a.ID}, &doc)
	if err != nil {
		return elasticIP{}, err
	}
	return *doc.ElasticIP, doc.ElasticIP.is(op, a)
}

type elasticIPResult struct {
	ElasticIP *elasticIP `json:"elasticIp"`
}

func (r elasticIPResult) check() error {
	if r.ElasticIP == nil {
		return missing("elasticIp")
	}
	return r.ElasticIP.check("elasticIp")
}

// elasticIP is an EIP as the API shows it. A key that has to be there is a pointer;
// older answers have neither status nor state.
type elasticIP struct {
	ID           string  `json:"elasticIpId"`
	IP           string  `json:"elasticIpAddress"`
	Private      *string `json:"privateIpAddress"`
	Interface    *string `json:"networkInterfaceId"`
	Instance     *string `json:"instanceId"`
	InstanceType string  `json:"instanceType"`
	Zone         string  `json:"az"` // empty: usable in every zone
	Status       string  `json:"status"`
	State        string  `json:"state"`
	Charge       struct {
		Status string `json:"chargeStatus"`
	} `json:"charge"`

	ip, private netip.Addr // as check has read them
}

// The words of status and state that matter.
const (
	statusAssociated = "ASSOCIATED"
	statusFree       = "NOT_ASSOCIATED"
	stateProcessing  = "PROCESSING"
	stateDown        = "DOWN"
	chargeNormal     = "normal"
)

// check reads what was found under name. Free is only what says so: its ids are there
// and empty, as in the vendor's samples, or its status has the word; and nothing speaks of
// a holder.
func (e *elasticIP) check(name string) (err error) {
	absent := ""
	for _, field := range []struct {
		name  string
		value **string
	}{{"privateIpAddress", &e.Private}, {"instanceId", &e.Instance}, {"networkInterfaceId", &e.Interface}} {
		if *field.value == nil {
			absent, *field.value = field.name, new(string)
		}
	}
	if absent != "" && !(e.free() && e.Status == statusFree) {
		return missing(name + "." + absent)
	}
	if e.ID == "" {
		return missing(name + ".elasticIpId")
	}
	if e.ip, err = parseIP(name+".elasticIpAddress", e.IP); err != nil {
		return err
	}
	if *e.Private != "" {
		if e.private, err = parseIP(name+".privateIpAddress", *e.Private); err != nil {
			return err
		}
	}
	machine := isMachine(e.InstanceType)
	switch {
	case e.free() && e.State != stateProcessing && (e.Status == statusAssociated || !machine && e.Status == ""):
		return errors.New(name + ": associated, but names no holder")
	case e.free() || !machine:
		return nil
	case *e.Instance == "" && e.InstanceType != "": // of an interface that is attached to nothing both are empty
		return fmt.Errorf("%s.instanceId: empty, but instanceType is %s", name, cloudhttp.Quote(e.InstanceType))
	case *e.Interface == "":
		return fmt.Errorf("%s.networkInterfaceId: empty, but held by %s", name, cloudhttp.Quote(*e.Instance))
	case *e.Private == "":
		return fmt.Errorf("%s.privateIpAddress: empty, but held by %s", name, cloudhttp.Quote(*e.Interface))
	}
	return nil
}

// free reports whether the EIP names nothing that holds it.
func (e *elasticIP) free() bool { return *e.Interface == "" && *e.Instance == "" && *e.Private == "" }

// target returns what holds the EIP; zero: nothing.
func (e *elasticIP) target() providers.Target {
	if e.free() {
		return providers.Target{}
	}
	return holder(e.InstanceType, *e.Instance, *e.Interface, e.private)
}

// assignment is the EIP in the words of the contract.
func (e *elasticIP) assignment() providers.Assignment {
	a := providers.Assignment{Target: e.target(), Pending: e.State == stateProcessing}
	if e.private.IsValid() {
		a.PrivateAddresses = []netip.Addr{e.private}
	}
	return a
}

// is compares what was asked for with what was answered.
func (e *elasticIP) is(op string, a providers.Address) error {
	switch {
	case e.ID != a.ID:
		return refuse(op, providers.Transient, "elasticIpId: asked for %s, got %s", a.ID, cloudhttp.Quote(e.ID))
	case e.ip != a.IP:
		return refuse(op, providers.Invalid, "id: %s is the EIP %s and not %s; correct id or ip", a.ID, e.ip, a.IP)
	}
	return nil
}
