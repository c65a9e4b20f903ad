// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// report writes what the lab has to say. It is safe for concurrent use.
type report struct {
	people   io.Writer // what people read
	document io.Writer // the JSON document; nil: none
	terminal bool
	lost     func(error) // told when writing fails: nobody reads any more; may be nil

	mu     sync.Mutex
	name   string // of the scenario under way
	lined  bool   // the live line is on the screen
	headed bool   // the header was shown; only for who calls header
}

func newReport(o Options) *report {
	if o.JSON {
		return &report{people: o.Stderr, document: o.Stdout, terminal: o.Terminal}
	}
	return &report{people: o.Stdout, terminal: o.Terminal}
}

// print writes lines for people, in the place of the live line.
func (r *report) print(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clear()
	r.write(r.people, fmt.Sprintf(format, args...))
}

func (r *report) write(w io.Writer, text string) {
	if _, err := io.WriteString(w, text); err != nil && r.lost != nil {
		r.lost(fmt.Errorf("write output: %w", err))
	}
}

// clearLine returns to the start of the line and erases it.
const clearLine = "\r\x1b[K"

func (r *report) clear() {
	if r.lined {
		r.write(r.people, clearLine)
		r.lined = false
	}
}

// progressMax keeps the live line on one line of a usual terminal.
const progressMax = 76

// progress shows what is being waited for, on a terminal.
func (r *report) progress(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.terminal {
		return
	}
	text = "  ... " + text
	if len(text) > progressMax {
		text = text[:progressMax]
	}
	r.write(r.people, clearLine+text)
	r.lined = true
}

func (r *report) list(every []scenario) {
	var b strings.Builder
	width := 0
	for _, s := range every {
		width = max(width, len(s.name))
	}
	for _, s := range every {
		mark := " "
		switch {
		case s.inSet:
			mark = "*"
		case s.byHand:
			mark = "-"
		}
		fmt.Fprintf(&b, "%s %-*s  %s\n", mark, width, s.name, s.story)
	}
	b.WriteString("* the default set; - only when named, not part of all\n")
	r.print("%s", b.String())
}

// header says what is about to be set up. Between two kinds of address there is a
// blank line.
func (r *report) header(at ground, of offer, o Options) {
	between := ""
	if r.headed {
		between = "\n"
	}
	r.headed = true
	r.print("%s%s", between, headerText(at, of, o))
}

func headerText(at ground, of offer, o Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "fipctl lab: two daemons, a fake %s and one %s, %s\n\n", of.brand, of.address, at.place())
	floating := fmt.Sprintf("%s for the client, %s/udp for the probe", at.floatingWeb(), at.floatingDaemon())
	if of.six {
		floating = fmt.Sprintf("%s in the cloud, %s for the client; no probe is on its way", at.floatingIP(), at.floatingWeb())
	}
	fmt.Fprintf(&b, "  floating IP  %s\n", floating)
	for i, name := range nodeNames {
		where := ""
		if i >= pairNodes {
			where = ", only where a story needs it"
		}
		fmt.Fprintf(&b, "  %-11s  %s, %s %s, priority %d%s\n", name, at.node(i), of.machine, of.machineID(i), nodePriorities[i], where)
	}
	fmt.Fprintf(&b, "  cloud API    %s, %s a call, %s answers; %s\n", at.apiURL(), o.APILatency, o.Answers, of.moveText())
	if of.guest() {
		fmt.Fprintf(&b, "  guest        %s\n", at.guestText())
	}
	down := activeDown(o.AdvertInterval, nodePriorities[standbyNode])
	fmt.Fprintf(&b, "  adverts      every %s; %s takes over after %s of silence (active-down)\n",
		o.AdvertInterval, nodeNames[standbyNode], down.Round(time.Millisecond))
	fmt.Fprintf(&b, "  client       asks every %s, gives up after %s\n", askEvery, at.patience())
	return b.String()
}

func (r *report) begin(s scenario) {
	r.print("\n%s: %s\n", s.name, s.story)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.name = s.name
}

// skipped says why a scenario is not played.
func (r *report) skipped(res result) {
	r.print("\n%s: not played with %s: %s\n", res.scenario.name, res.offer.name(), res.skipped)
}

// scenario shows how a scenario went.
func (r *report) scenario(res result) {
	r.print("%s%s%s", timelineText(res), outcomeText(res), logsText(res.logs))
}

// timelineText shows the events from the start of the story on.
func timelineText(res result) string {
	var b strings.Builder
	for _, e := range res.events {
		if !res.start.IsZero() && !e.At.Before(res.start) {
			b.WriteString(eventText(e, res.start))
		}
	}
	return b.String()
}

// eventText is one line of a timeline: when, who, what, why.
func eventText(e event, start time.Time) string {
	what := e.What
	if e.Reason != "" {
		what += " (" + e.Reason + ")"
	}
	return fmt.Sprintf("  %9s  %-6s  %s\n", fmt.Sprintf("+%d ms", e.At.Sub(start).Milliseconds()), e.Who, what)
}

// outcomeText is the last line of a scenario, and the figure beside it.
func outcomeText(res result) string {
	var b strings.Builder
	if res.note != "" {
		fmt.Fprintf(&b, "  %s\n", res.note)
	}
	if !res.passed() {
		fmt.Fprintf(&b, "  FAILED: %s\n", res.why)
		return b.String()
	}
	c := res.counts
	fmt.Fprintf(&b, "  ok: %s, %s, %s, outage %d ms; %s owns the address\n",
		plural(c.moves, "move"), plural(c.writes, "write"), plural(c.failed, "failed request"),
		res.outage.Milliseconds(), orNobody(c.owner))
	return b.String()
}

func logsText(logs []nodeLog) string {
	var b strings.Builder
	for _, l := range logs {
		fmt.Fprintf(&b, "  the last log lines of %s:\n", l.node)
		if len(l.lines) == 0 {
			b.WriteString("    (it wrote nothing)\n")
		}
		for _, line := range l.lines {
			fmt.Fprintf(&b, "    %s\n", line)
		}
	}
	return b.String()
}

func (r *report) problem(err error) { r.print("  FAILED: %v\n", err) }

func (r *report) interrupted(name string) { r.print("\ninterrupted during %s\n", name) }

// finish shows the table, and writes the document if one was asked for.
func (r *report) finish(results []result) {
	if len(results) > 0 {
		r.print("\n%s", tablesText(results))
	}
	if r.document != nil {
		r.write(r.document, string(document(results)))
	}
}
