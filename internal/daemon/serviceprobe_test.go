// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/pkg/election"
)

// question is a user's probe that counts.
type question struct {
	probe
	mu    sync.Mutex
	asked int
	hangs bool
}

func (q *question) Ask(ctx context.Context, v health.Values) (string, error) {
	q.mu.Lock()
	q.asked++
	hangs := q.hangs
	q.mu.Unlock()
	if v.Address != floating {
		return "", fmt.Errorf("asked for %v", v.Address)
	}
	if hangs {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return q.probe.Ask(ctx, v)
}

// times returns how often it was asked since the last time.
func (q *question) times() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.asked
	q.asked = 0
	return n
}

// asking makes a node ask q.
func asking(q *question) func(*node, *Options, *parts) {
	return func(_ *node, o *Options, _ *parts) { o.Config.Groups[0].Probe = q }
}

func TestWhileTheServiceAnswersNothingMoves(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		q := &question{}
		a := w.start(nodeA, nil)
		b := w.start(nodeB, asking(q))
		w.eventually("the owner leads", a.bound)
		w.pass(time.Minute)
		a.crash()
		w.eventually("it is a condition", func() bool { return b.text(condServiceAnswers) != "" })
		want := "the daemon of lb-a is silent, but the service behind the address answers the probe; nothing moves, and a failure would be noticed by the probe alone: repair the daemon, or the link to it"
		if got := b.text(condServiceAnswers); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		w.pass(10 * time.Minute)
		w.wantMoves(0, 0)
		q.set(errors.New("connection refused"))
		died := time.Now()
		w.eventually("the standby leads", func() bool { return b.role() == "active" })
		if took := time.Since(died); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
		if b.eventuallyOwns(); b.text(condServiceAnswers) != "" {
			t.Error("the condition stays")
		}
		w.wantMoves(1, 1)
	})
}

func (n *node) eventuallyOwns() { n.w.eventually(n.name+" owns the address", n.bound) }

func TestTheRhythmOfTheUsersProbe(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		qa, qb := &question{}, &question{}
		a, b := w.start(nodeA, asking(qa)), w.start(nodeB, asking(qb))
		w.eventually("the owner leads", a.bound)
		qa.times()
		w.pass(time.Minute)
		qb.times()
		count := func(what string, d time.Duration, lo, hi int) {
			t.Helper()
			w.pass(d)
			if n := qb.times(); n < lo || n > hi {
				t.Errorf("%s: %d times in %v", what, n, d)
			}
		}
		count("in the steady state", time.Minute, 6, 6)
		a.crash()
		w.pass(activeDown)
		qb.times()
		count("while the owner is silent", time.Minute, 59, 61)
		if n := qa.times(); n != 0 {
			t.Errorf("the owner asked %d times", n)
		}
		w.start(nodeA, nil)
		w.pass(20 * time.Second)
		qb.times()
		count("when it is back", time.Minute, 6, 6)
		b.engine.post(func() { b.engine.step(election.Drain{Group: "web", Force: true}) })
		w.pass(time.Second)
		qb.times()
		count("when this node is drained", time.Minute, 6, 6)
	})
}

// TestAnAddressOfThisMachineAnswersForNobody, neither before nor after it was asked
// elsewhere: an answer that cannot be renewed holds nothing back.
func TestAnAddressOfThisMachineAnswersForNobody(t *testing.T) {
	for name, late := range map[string]bool{"from the start": false, "after it has answered from elsewhere": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				q := &question{}
				a := w.start(nodeA, nil)
				b := w.start(nodeB, asking(q))
				own := func() {
					_, err := b.ifaces.AddHost(context.Background(), floating, netif.Loopback)
					w.must(err)
				}
				if !late {
					own()
				}
				w.eventually("the owner leads", a.bound)
				w.pass(time.Minute)
				if late {
					own()
					w.pass(time.Minute)
				}
				if n := q.times(); late != (n > 0) {
					t.Errorf("asked %d times", n)
				}
				a.crash()
				died := time.Now()
				w.eventually("the standby leads", func() bool { return b.role() == "active" })
				if took := time.Since(died); took > activeDown {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestAnAnswerAboutAnotherOwnerDoesNotCount(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		b := w.build(nodeB, asking(&question{}))
		e, g := b.engine, b.engine.groups[0]
		b.known()
		e.step(election.Health{Group: "web", Known: true, Healthy: true})
		first, second := election.Owner{Kind: election.OwnerNode, Node: nodeA}, election.Owner{Kind: election.OwnerForeign}
		g.owner = second
		if e.serviceAnswered(g, g.service.prober, first, answerYes); g.service.up {
			t.Error("it counts")
		}
		if e.serviceAnswered(g, g.service.prober, second, answerYes); !g.service.up {
			t.Error("one about this owner does not count")
		}
		g.service.askedAt = e.clock.now()
		if e.ownerChanged(g); g.service.up || g.service.askedAt != 0 {
			t.Error("it still counts when the owner has changed")
		}
		e.serviceAnswered(g, g.service.prober, second, answerYes)
		if e.serviceAnswered(g, g.service.prober, second, answerUnknown); g.service.up {
			t.Error("it still counts when nothing is known any more")
		}
		g.owner = election.Owner{Kind: election.OwnerNode, Node: nodeB}
		if e.startServiceProbes(e.clock.now()); g.service.asking {
			t.Error("the owner asks itself")
		}
	})
}

func TestAProbeThatHangsIsNoAnswerAndHoldsNothingUp(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		q := &question{hangs: true}
		a := w.start(nodeA, nil)
		b := w.start(nodeB, asking(q))
		w.eventually("the owner leads", a.bound)
		w.pass(time.Minute)
		a.crash()
		died := time.Now()
		w.eventually("the standby leads", func() bool { return b.role() == "active" })
		if took := time.Since(died); took > activeDown {
			t.Errorf("it took %v", took)
		}
		began := time.Now()
		if got := b.engine.groups[0].service.prober.ask(context.Background()); got != answerNo || time.Since(began) != serviceTimeout {
			t.Errorf("got %d after %v", got, time.Since(began))
		}
	})
}

func TestAQuestionThatAReloadTookOutHoldsNothingBack(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		b := w.start(nodeB, asking(&question{}))
		w.eventually("the owner leads", a.bound)
		w.pass(time.Minute)
		b.reloadNow() // the file has no probe
		raw, err := os.ReadFile(b.opts.Config.Path)
		w.must(err)
		if strings.Contains(string(raw), "probe:") {
			t.Fatal("the file has one")
		}
		w.pass(5 * time.Second)
		a.crash()
		died := time.Now()
		w.eventually("the standby leads", func() bool { return b.role() == "active" })
		if took := time.Since(died); took > activeDown {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAQuestionThatCannotBePutIsUnknown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		err  error
		want answer
	}{
		{"an answer", nil, answerYes},
		{"none", errors.New("refused"), answerNo},
		{"no value for a placeholder", fmt.Errorf("{anchor}: %w", health.ErrNoValue), answerUnknown},
	} {
		q := &probe{err: tt.err}
		p := &serviceProber{ifaces: netif.NewMemory(), values: func() health.Values { return health.Values{} }}
		p.group.Name, p.group.Probe = "web", q
		if got := p.ask(t.Context()); got != tt.want || p.String() != "probe of group web" {
			t.Errorf("%s: got %d", tt.name, got)
		}
	}
}
