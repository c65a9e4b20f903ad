// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"errors"
	"fmt"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

// submit hands a write to the model. It returns the operation as it was accepted, or
// the model's refusal; a late one is always accepted.
func (a *api) submit(r *request, w fakecloud.Request) (fakecloud.Operation, error) {
	w.Node, w.Fail = r.Node, r.Fault.FailOperation
	what := fmt.Sprintf("%s %s to %s", w.Verb, fakecloud.Slot{IP: w.IP, Table: w.Table}, w.To)
	if w.Verb == fakecloud.Detach {
		what = fmt.Sprintf("detach %s", w.IP)
	}
	if late := r.Fault.Late; r.late() {
		id := a.model.SubmitAt(a.model.Now().Add(late), w)
		r.note(id, fmt.Sprintf("%s: arrives %s late as task %d", what, late, id))
		// The fault cuts the connection: nobody reads what is answered.
		return fakecloud.Operation{ID: id, Status: fakecloud.Completed}, nil
	}
	op, err := a.model.Submit(w)
	if refusal := fakecloud.Refusal(""); errors.As(err, &refusal) {
		r.note(0, fmt.Sprintf("%s: refused, %s", what, refusal))
		return op, refusal
	}
	r.note(op.ID, fmt.Sprintf("%s: accepted as task %d", what, op.ID))
	return op, nil
}

// late reports whether a write takes its course later, so that how its address is now
// does not matter: the model decides when it arrives.
func (r *request) late() bool { return r.Fault.Late > 0 }

// note tells the journal what a write did; of several the operation is the last.
func (r *request) note(id int64, effect string) {
	if r.Effect != "" {
		effect = r.Effect + "; " + effect
	}
	r.Operation, r.Effect = id, effect
}
