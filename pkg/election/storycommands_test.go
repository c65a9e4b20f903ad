// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// command carries out one line of a script.
func (w *world) command(f []string) error {
	args := f[1:]
	switch f[0] {
	case "cluster": // cluster a=110 b=100: nodes with their priorities
		return w.setUp(args)
	case "set": // set interval=250ms preempt=30s two-call reclaim retry=10s quiet
		return w.set(args)
	case "owner": // owner a | nobody | foreign: a hand in the console, silently
		w.cloud.owner = parseOwner(args[0])
	case "start": // start a b: boot daemons
		for _, n := range args {
			w.start(n)
		}
	case "run": // run 5s: let time pass and tell what happens
		return w.runFor(args[0])
	case "crash": // crash a: the daemon dies and says nothing
		w.crash(args[0])
	case "pause": // pause a: it does not run, datagrams wait for it
		w.nodes[args[0]].paused = true
	case "wake": // wake a
		w.wake(args[0])
	case "cut", "heal": // cut a b: both ways; cut a>b: one way
		w.link(args, f[0] == "cut")
	case "check": // check a fails | passes | is-untold: it was asked and never told, and so it is after the next start
		n := w.nodes[args[0]]
		n.healthy, n.untold = args[1] != "fails", args[1] == "is-untold"
		if n.m != nil {
			w.step(n, Health{Group: "web", Known: true, Healthy: n.healthy, Untold: n.untold})
		}
	case "target": // target a unknown | known: credentials and own target
		n := w.nodes[args[0]]
		n.known = args[1] == "known"
		w.step(n, Identity{Group: "web", Known: n.known})
	case "probes": // probes on | off: whether the signed probe reaches the owner
		w.probes = args[0] == "on"
	case "service": // service b answers | fails: one result of the user's probe, seen by b
		w.step(w.nodes[args[0]], ServiceProbed{Group: "web", OK: args[1] == "answers"})
	case "way-out": // way-out a open | closed: whether anything outside answers a
		w.step(w.nodes[args[0]], WayOut{Open: args[1] == "open"})
	case "instance": // instance a stopped | running: what the cloud says of a machine
		w.cloud.stopped[args[0]] = args[1] == "stopped"
	case "sign": // sign a>b wrongly | well
		w.badly[args[0]] = args[1] == "wrongly"
	case "replay": // replay a>b 3: the last three datagrams of a link once more
		return w.replay(args)
	case "api": // api down [a] | up | loses-reply | refuses a | accepts a
		w.api(args)
	case "reload": // reload a: read the configuration again, as "set" left it
		w.step(w.nodes[args[0]], Reload{Config: w.config(args[0])})
	case "assign", "drain", "resume", "stop", "restart", "hand", "cancel":
		return w.give(f)
	case "refusals": // refusals a: why a's peers may not lead
		w.refusals(args[0])
	case "show": // show: role, term and what is known, per node
		w.show()
	case "steal": // steal b: a hand moves the address
		w.move(parseOwner(args[0]))
	default:
		return fmt.Errorf("unknown command")
	}
	return nil
}

func (w *world) runFor(arg string) error {
	d, err := time.ParseDuration(arg)
	if err != nil {
		return err
	}
	until := w.now.Add(d)
	w.timed(until, func() bool { return false })
	return nil
}

// timed runs until an instant or until done, and puts the time before what is told.
func (w *world) timed(until Instant, done func() bool) {
	began := w.now
	for w.now < until && !done() {
		next := until
		if n := w.nextNode(); n != nil {
			next = min(next, max(n.next(), w.now))
		}
		if len(w.queue) > 0 {
			next = min(next, max(w.queue[0].at, w.now))
		}
		before := len(w.log)
		w.run(next.Sub(w.now))
		for i := before; i < len(w.log); i++ {
			w.log[i] = fmt.Sprintf("%+.3fs %s", w.now.Sub(began).Seconds(), w.log[i])
		}
	}
}

func (w *world) setUp(args []string) error {
	for _, arg := range args {
		name, prio, _ := strings.Cut(arg, "=")
		p, err := strconv.ParseUint(prio, 10, 8)
		if err != nil {
			return err
		}
		w.addNode(name, uint8(p))
	}
	return nil
}

func (w *world) set(args []string) error {
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		d, _ := time.ParseDuration(value)
		switch key {
		case "interval":
			w.interval = d
		case "preempt":
			w.group.Preempt, w.group.PreemptDelay = true, d
		case "retry":
			w.group.DisplacedRetry = d
		case "move":
			w.cloud.moveDelay = d
		case "read":
			w.cloud.readDelay = d
		case "reclaim":
			w.group.OnMoved = ReclaimMoved
		case "two-call":
			w.group.AtomicMove = false
		case "no-preempt":
			w.group.Preempt = false
		case "claim-timeout":
			w.group.ClaimTimeout = d
		case "move-timeout":
			w.group.MoveTimeout = d
		case "settle":
			w.group.SettleTime = d
		case "refusals":
			w.tellRefused = true
		case "quiet":
			w.quiet = true
		case "loud":
			w.quiet = false
		default:
			return fmt.Errorf("unknown setting %q", key)
		}
	}
	return nil
}

func (w *world) link(args []string, cut bool) {
	if len(args) == 2 {
		args = []string{args[0] + ">" + args[1], args[1] + ">" + args[0]}
	}
	for _, l := range args {
		w.cut[l] = cut
	}
}

func (w *world) replay(args []string) error {
	count, err := strconv.Atoi(args[1])
	_, to, _ := strings.Cut(args[0], ">")
	kept := w.kept[args[0]]
	if err != nil || count > len(kept) {
		return fmt.Errorf("%d datagrams are known", len(kept))
	}
	for _, a := range kept[len(kept)-count:] {
		w.hand(to, Received{&a})
	}
	return nil
}

func (w *world) api(args []string) {
	switch args[0] {
	case "down":
		if len(args) > 1 {
			w.cloud.downFor[args[1]] = true
		} else {
			w.cloud.down = true
		}
	case "up":
		w.cloud.down, w.cloud.downFor = false, map[string]bool{}
	case "loses-reply":
		w.cloud.loseReply = true
	case "refuses", "accepts":
		w.cloud.refuseFor[args[1]] = args[0] == "refuses"
	}
}

// give gives one node an operator's order.
func (w *world) give(f []string) error {
	n := w.nodes[f[1]]
	force := f[len(f)-1] == "force"
	switch f[0] {
	case "assign":
		w.step(n, Assign{Group: "web", Force: force})
	case "hand": // hand a b: a hands over to b
		w.step(n, HandTo{Group: "web", To: f[2]})
	case "drain":
		w.step(n, Drain{Group: "web", Force: force})
	case "resume":
		w.step(n, ResumeNode{Group: "web"})
	case "cancel":
		w.step(n, CancelOrder{Group: "web"})
	case "stop", "restart":
		w.step(n, Leave{Restart: f[0] == "restart"})
		w.timed(w.now.Add(30*time.Second), func() bool { return n.m.Status().Left })
		w.step(n, Depart{})
		w.crash(f[1])
	}
	return nil
}

func (w *world) refusals(name string) {
	m := w.nodes[name].m
	refusals := m.Refusals("web")
	names := make([]string, 0, len(refusals))
	for peer, why := range refusals {
		names = append(names, fmt.Sprintf("%s: %s", peer, why))
	}
	slices.Sort(names)
	w.say("%s itself: %s; %s", name, m.OwnRefusal("web"), strings.Join(names, ", "))
}

func (w *world) show() {
	for _, name := range w.names {
		n := w.nodes[name]
		if n.m == nil {
			w.say("%s: not running", name)
			continue
		}
		s := n.m.Status().Groups[0]
		line := fmt.Sprintf("%s: %s (%s) term %d, owner %s", name, s.Role, s.Reason, s.Term.Number, ownerWord(s.Owner))
		if s.Held != ReasonNone {
			line += ", waits: " + s.Held.String()
		}
		if s.Sticky {
			line += ", sticky"
		}
		w.say("%s", line)
	}
	w.say("cloud: owner %s, %d moves, %d writes", ownerWord(w.cloud.owner), w.cloud.moves, w.cloud.writes)
}

func parseOwner(word string) Owner {
	switch word {
	case "nobody":
		return Owner{Kind: OwnerNone}
	case "foreign":
		return Owner{Kind: OwnerForeign}
	default:
		return Owner{Kind: OwnerNode, Node: word}
	}
}
