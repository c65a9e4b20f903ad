// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import "time"

// attacker listens to every link, has no key, and sends again what he heard, from elsewhere
// than the nodes. He draws his own luck, so that the rest of a history does not depend on how
// often he does.
type attacker struct {
	chance  chance
	tape    []*packet // of every life of every node
	heard   int
	flooded int // how many of his datagrams arrived
}

const (
	attackerTape  = 64
	attackerEvery = 5 * time.Millisecond
	attackerFor   = 10 * time.Second
)

// listen keeps a sample of everything that was sent so far.
func (w *world) listen(p *packet) {
	a := &w.attacker
	a.heard++
	at := len(a.tape)
	if at < attackerTape {
		a.tape = append(a.tape, p)
	} else {
		if at = a.chance.IntN(a.heard); at >= attackerTape {
			return
		}
		w.drop(a.tape[at])
		a.tape[at] = p
	}
	p.holders++
}

// flood sends what was heard, 200 datagrams a second.
func (w *world) flood(until time.Duration) {
	if until <= 0 || w.phase != safetyPhase {
		return
	}
	w.after(attackerEvery, func() {
		p := w.attacker.tape[w.attacker.chance.IntN(len(w.attacker.tape))]
		to, from := w.nodes[p.to], w.nodes[p.from]
		// One that was never heard, of a session that lives, is only late.
		if to.machine != nil && !to.paused && (p.counted || p.fromLife != from.life) {
			w.attacker.flooded++
			w.elsewhere = true
			w.receive(to, p)
			w.elsewhere = false
		}
		w.flood(until - attackerEvery)
	})
}
