// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"slices"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

// tasksMax is how many requests stay readable as tasks, as the model forgets old
// operations too.
const tasksMax = 4096

// tasks are the tasks of the second system, which are known by the RequestId of the
// call that started them. Those of EIPs are known by the number of the operation.
type tasks struct {
	byRequest map[string][]int64
	order     []string
}

// remember makes the operations readable as the task of this call.
func (a *api) remember(r *request, ids ...int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := &a.tasks
	t.byRequest[r.RequestID] = ids
	t.order = append(t.order, r.RequestID)
	if len(t.order) > tasksMax {
		delete(t.byRequest, t.order[0])
		t.order = t.order[1:]
	}
}

// describeTaskResult answers for the tasks of EIPs. The number must be one: the
// string that the writes answer with is refused.
func (a *api) describeTaskResult(r *request) (document, *failure) {
	var in struct {
		TaskId   *int64
		DealName *string
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	if in.TaskId == nil {
		return nil, fail("MissingParameter", "The request is missing the parameter TaskId.")
	}
	op, err := a.model.View(0).Operation(*in.TaskId)
	if _, ok := a.eipAt(op.IP); err != nil || !ok {
		return nil, fail("InvalidParameter", "The task %d does not exist.", *in.TaskId)
	}
	return document{"TaskId": op.ID, "Result": a.taskStatus(op.ID)}, nil
}

// describeVpcTaskResult answers for the other tasks.
func (a *api) describeVpcTaskResult(r *request) (document, *failure) {
	var in struct{ TaskId string }
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	if f := required("TaskId", in.TaskId); f != nil {
		return nil, f
	}
	ids, ok := get(a, a.tasks.byRequest, in.TaskId)
	if !ok {
		return nil, notFound("task", in.TaskId)
	}
	var seen []string
	for _, id := range ids {
		seen = append(seen, a.taskStatus(id))
	}
	status := "SUCCESS"
	for _, worse := range []string{"RUNNING", "FAILED"} {
		if slices.Contains(seen, worse) {
			status = worse
		}
	}
	return document{"Status": status, "Output": "", "Result": []document{}}, nil
}

// taskStatus spells how far an operation is, as reads see it: one that was accepted
// since is running for them.
func (a *api) taskStatus(id int64) string {
	op, err := a.view().Operation(id)
	switch {
	case err != nil || op.Status == fakecloud.Pending:
		return "RUNNING"
	case op.Status == fakecloud.Completed:
		return "SUCCESS"
	}
	return "FAILED"
}
