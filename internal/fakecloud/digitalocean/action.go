// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// refusals are the texts of the 422 answers. Only those about a pending event are
// known; clients must tell the others apart by reading.
var refusals = map[fakecloud.Refusal]string{
	fakecloud.AddressPending:     "The floating IP already has a pending event.",
	fakecloud.InstancePending:    "Droplet already has a pending event.",
	fakecloud.AlreadyHolder:      "The floating IP is already assigned to this Droplet.",
	fakecloud.InstanceFull:       "Droplet already has a floating IP assigned.",
	fakecloud.OtherRegion:        "The floating IP and the Droplet must be in the same region.",
	fakecloud.InstanceNotRunning: "Droplet is not active.",
	fakecloud.NotHeld:            "The floating IP is not assigned to a Droplet.",
}

// actionRequest is the body of a POST. The number is a pointer to tell absence
// from zero.
type actionRequest struct {
	Type      string `json:"type"`
	DropletID *int64 `json:"droplet_id"`
}

func (a *api) startIPv4(r *request) reply { return a.start(r, false) }

func (a *api) startIPv6(r *request) reply { return a.start(r, true) }

// start accepts or refuses an assign or unassign.
func (a *api) start(r *request, v6 bool) reply {
	var body actionRequest
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return failure(http.StatusBadRequest, "The request body could not be parsed.")
	}
	ip, ok := r.ip(v6)
	if !ok {
		return notFound()
	}
	w := fakecloud.Request{
		IP: ip, Node: r.Node, Delay: a.get(&a.operationDelay), Fail: r.Fault.FailOperation,
	}
	switch {
	case body.Type == "assign" && body.DropletID == nil:
		return failure(http.StatusUnprocessableEntity, "Droplet ID can't be blank.")
	case body.Type == "assign":
		w.Verb, w.To = fakecloud.Move, providers.Target{Instance: strconv.FormatInt(*body.DropletID, 10)}
	case body.Type == "unassign":
		w.Verb = fakecloud.Detach
	default:
		return failure(http.StatusUnprocessableEntity, "Type is not included in the list.")
	}
	return a.submit(r, w)
}

// submit hands the write to the model and answers with its action.
func (a *api) submit(r *request, w fakecloud.Request) reply {
	before, _ := a.model.View(0).Address(w.IP) // an unknown address is refused below
	w.Fail = w.Fail || a.failingMove(w.Verb, w.IP, before.Holder)
	what := fmt.Sprintf("%s %s to %s", w.Verb, w.IP, w.To)
	if w.Verb == fakecloud.Detach {
		what = fmt.Sprintf("detach %s", w.IP)
	}
	if late := r.Fault.Late; late > 0 {
		r.Operation = a.model.SubmitAt(a.model.Now().Add(late), w)
		r.Effect = fmt.Sprintf("%s: arrives %s late as action %d", what, late, r.Operation)
		return reply{http.StatusAccepted, nil} // the fault cuts the connection: nobody reads this
	}
	op, err := a.model.Submit(w)
	if refusal := fakecloud.Refusal(""); errors.As(err, &refusal) {
		r.Effect = fmt.Sprintf("%s: refused, %s", what, refusal)
		if text, ok := refusals[refusal]; ok {
			return failure(http.StatusUnprocessableEntity, text)
		}
		return notFound()
	}
	r.Operation = op.ID
	r.Effect = fmt.Sprintf("%s: accepted as action %d", what, op.ID)
	// The service never answers with a completed action, however fast it is.
	op.Status = fakecloud.Pending
	return reply{http.StatusCreated, map[string]any{"action": a.actionDocument(r, op, before.Region)}}
}

// failingMove reports whether an action is one of those that
// Options.IPv6MovesFail spoils: an IPv6 taken straight from its holder.
func (a *api) failingMove(v fakecloud.Verb, ip netip.Addr, from providers.Target) bool {
	return a.options.IPv6MovesFail && ip.Is6() && v == fakecloud.Move && !from.IsZero()
}

// addressActions lists the actions of an IPv4; there is no such list for IPv6.
func (a *api) addressActions(r *request) reply {
	v := a.view()
	ip, ok := r.ip(false)
	addr, err := v.Address(ip)
	if !ok || err != nil {
		return notFound()
	}
	docs := []actionDocument{}
	for _, op := range v.AddressOperations(ip) {
		if !addr.BringYourOwn {
			docs = append(docs, a.actionDocument(r, op, addr.Region))
		}
	}
	return paged(r, "actions", docs)
}

// addressAction is one action, asked for below its IPv4.
func (a *api) addressAction(r *request) reply {
	ip, okIP := r.ip(false)
	id, okID := r.id(1)
	if !okIP || !okID {
		return notFound()
	}
	return a.readAction(r, id, func(op fakecloud.Operation) bool { return op.IP == ip })
}

// action is one action of any kind.
func (a *api) action(r *request) reply {
	id, ok := r.id(0)
	if !ok {
		return notFound()
	}
	return a.readAction(r, id, func(fakecloud.Operation) bool { return true })
}

// readAction answers with the action if it is wanted. Actions of a customer's own
// addresses are never found.
func (a *api) readAction(r *request, id int64, wanted func(fakecloud.Operation) bool) reply {
	v := a.view()
	op, err := v.Operation(id)
	if err != nil || !wanted(op) {
		return notFound()
	}
	if a.failingMove(op.Verb, op.IP, op.From) {
		return failure(http.StatusInternalServerError, "Server was unable to give you a response.")
	}
	slug, own := regionOf(v, op)
	if own {
		return notFound()
	}
	return reply{http.StatusOK, map[string]any{"action": a.actionDocument(r, op, slug)}}
}

// regionOf returns where an operation runs, and whether it is about a customer's
// own address.
func regionOf(v fakecloud.View, op fakecloud.Operation) (slug string, own bool) {
	if op.Verb == fakecloud.Event {
		i, _ := v.Instance(op.Instance) // instances are never forgotten
		return i.Region, false
	}
	addr, _ := v.Address(op.IP) // nor are addresses
	return addr.Region, addr.BringYourOwn
}

// actionDocument returns the action as this token sees it.
func (a *api) actionDocument(r *request, op fakecloud.Operation, slug string) actionDocument {
	doc := a.spelled(r, actionOf(op, slug))
	if r.token.may(ScopeProjectRead) && op.IP.Is4() {
		doc.ProjectID = projectID
	}
	return doc
}

// spelled applies the odd spelling that the service once used for some hours.
func (a *api) spelled(r *request, doc actionDocument) actionDocument {
	if r.Fault.Done && doc.Status == "completed" {
		doc.Status = "done"
	}
	return doc
}
