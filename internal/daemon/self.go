// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
)

// How often the kernel is asked whether this node's address is here: until it is, as DHCP
// or an interface may come late, and from then on.
const (
	addressRetry  = time.Second
	addressReview = 10 * time.Second
	addressTries  = 3 // without an answer, until it counts as one that cannot be had
)

// ownAddress is what the kernel says of the address that makes this machine the node that
// its file says it is. The zero value: it was not asked yet.
type ownAddress struct {
	asked bool
	addr  netip.Addr
	local bool
	other string // another node of the file, whose address is here
	err   error  // why it cannot be told
}

// addressTask asks the kernel whether an address of this machine is the node's.
type addressTask struct {
	self   netip.Addr
	others []config.Node
	local  func(context.Context, netip.Addr) (bool, error)
	report func(ownAddress)
}

// newAddressTask asks about the address at which this node listens, and where it listens
// on all of them about that at which the others find it.
func (e *engine) newAddressTask(local func(context.Context, netip.Addr) (bool, error)) *addressTask {
	t := &addressTask{self: e.cfg.OwnAddress(), local: local, others: e.cfg.Peers()}
	t.report = func(own ownAddress) {
		e.post(func() {
			if e.cfg.OwnAddress() == own.addr { // else a reload came between
				e.located(own)
			}
		})
	}
	return t
}

// following returns the task itself if the one that is wanted after a reload asks the same.
func (t *addressTask) following(wanted *addressTask) *addressTask {
	if t != nil && t.self == wanted.self && reflect.DeepEqual(t.others, wanted.others) {
		return t
	}
	return wanted
}

// String names the task.
func (t *addressTask) String() string { return "look for this node's address" }

// Run asks until ctx ends. One question without an answer says nothing yet: with the
// kernel's configuration lock held, any may be late.
func (t *addressTask) Run(ctx context.Context) error {
	for failed := 0; ; {
		own := t.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if failed++; own.err == nil {
			failed = 0
		}
		wait := addressReview
		if !own.local && failed < addressTries {
			wait = addressRetry
		}
		if own.err == nil || failed >= addressTries {
			t.report(own)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// look asks once.
func (t *addressTask) look(ctx context.Context) ownAddress {
	own := ownAddress{asked: true, addr: t.self}
	if own.local, own.err = t.local(ctx, t.self); own.local || own.err != nil {
		return own
	}
	for _, n := range t.others {
		if here, err := t.local(ctx, n.Address.Addr()); here && err == nil {
			own.other = n.Name
		}
	}
	return own
}

// located takes in where this node's address is. A machine that loses it while it leads
// keeps the role (invariant 3): that is told, and decides nothing. What was so before is no
// news, and is not brought to each of maybe hundreds of groups.
func (e *engine) located(own ownAddress) {
	before := e.confirmed()
	if e.own = own; e.confirmed() == before {
		return
	}
	for _, g := range e.groups {
		e.judgeAgain(g)
		e.tellClaim(g)
	}
}

// confirmed reports whether this machine may lead as the node that its file says it is: the
// kernel calls its address local, or cannot be asked, or it has led already.
func (e *engine) confirmed() bool {
	return e.led || e.own.asked && e.own.addr == e.cfg.OwnAddress() && (e.own.local || e.own.err != nil)
}

// addressRemark says what is wrong with this node's address; empty: nothing.
func (e *engine) addressRemark() string {
	own := e.own
	switch {
	case !own.asked || own.local:
		return ""
	case own.err != nil:
		return fmt.Sprintf("whether this machine is %s cannot be told: %v", e.cfg.Node, own.err)
	case e.led:
		return fmt.Sprintf("no interface of this machine has %s any more, the address of %s; it goes on, and the peers do not reach it: give it back", own.addr, e.cfg.Node)
	default:
		return controller.NotHere(e.cfg.Node, own.addr, own.other) + "; it does not lead before"
	}
}
