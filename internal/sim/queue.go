// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import "github.com/fipctl/fipctl/pkg/election"

// happening is something that comes to pass at an instant: a datagram that arrives,
// or anything else as a function. Those of one instant come in the order of planning.
type happening struct {
	at     election.Instant
	order  uint64
	do     func()
	packet *packet
}

func (h *happening) before(o *happening) bool {
	return h.at < o.at || h.at == o.at && h.order < o.order
}

// queue is a binary heap of happenings. It is written out because most of the time
// of a history would otherwise go into the interfaces of container/heap.
type queue struct {
	items []happening
	count uint64
}

func (q *queue) push(h happening) {
	q.count++
	h.order = q.count
	q.items = append(q.items, h)
	i := len(q.items) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !q.items[i].before(&q.items[parent]) {
			break
		}
		q.items[i], q.items[parent] = q.items[parent], q.items[i]
		i = parent
	}
}

func (q *queue) pop() happening {
	first := q.items[0]
	last := len(q.items) - 1
	q.items[0] = q.items[last]
	q.items[last] = happening{}
	q.items = q.items[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.items[child].before(&q.items[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		q.items[i], q.items[least] = q.items[least], q.items[i]
		i = least
	}
}
