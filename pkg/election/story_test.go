// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"bufio"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the expected output of the stories; read every changed line")

// TestStories runs the scripts of testdata. A script is prose (lines with #),
// commands, and after each command what the machines did, indented, with the
// time since the command began. After -update, review the diff as if it were code.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("find stories: %v, %d files", err, len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("the story goes differently now:\n%s", firstDifference(string(want), got))
			}
		})
	}
}

// tell runs a script and returns it with the output as it is now.
func tell(t *testing.T, script string) string {
	w := newWorld()
	var out strings.Builder
	lines := bufio.NewScanner(strings.NewReader(script))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "    ") {
			continue
		}
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		w.log = nil
		if err := w.command(strings.Fields(line)); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, l := range w.log {
			out.WriteString("    " + l + "\n")
		}
	}
	return out.String()
}

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
	case "check": // check a fails | passes
		n := w.nodes[args[0]]
		n.healthy = args[1] == "passes"
		w.step(n, Health{Group: "web", Known: true, Healthy: n.healthy})
	case "probes": // probes on | off: whether the signed probe reaches the owner
		w.probes = args[0] == "on"
	case "api": // api down [a] | up | loses-reply | refuses | accepts
		w.api(args)
	case "assign", "drain", "resume", "stop", "restart", "hand", "cancel":
		return w.give(f)
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
	began, until := w.now, w.now.Add(d)
	for w.now < until {
		next := until
		if n := w.nextNode(); n != nil {
			next = min(next, max(n.m.Deadline(), w.now))
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
	return nil
}

func (w *world) setUp(args []string) error {
	for i, arg := range args {
		name, prio, _ := strings.Cut(arg, "=")
		p, err := strconv.ParseUint(prio, 10, 8)
		if err != nil {
			return err
		}
		w.names = append(w.names, name)
		w.group.Priorities[name] = uint8(p)
		w.nodes[name] = &worldNode{name: name, healthy: true, addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})}
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

func (w *world) wake(name string) {
	n := w.nodes[name]
	n.paused = false
	held := n.held
	n.held = nil
	for _, f := range held {
		f()
	}
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
		w.cloud.refuse = args[0] == "refuses"
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
		for i := 0; i < 1000 && !n.m.Status().Left; i++ {
			w.run(10 * time.Millisecond)
		}
		w.step(n, Depart{})
		w.crash(f[1])
	}
	return nil
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

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := 0; i < len(a) || i < len(b); i++ {
		x, y := "(end)", "(end)"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("line %d\n  want %s\n  got  %s", i+1, x, y)
		}
	}
	return "none"
}
