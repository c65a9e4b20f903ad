// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tablesText is the end of a run: a table for each kind of address, named if there are
// several, and what the columns mean.
func tablesText(results []result) string {
	var b strings.Builder
	several := slices.ContainsFunc(results, func(r result) bool { return r.offer.name() != results[0].offer.name() })
	for rest := results; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].offer.name() == rest[0].offer.name() {
			n++
		}
		if several {
			fmt.Fprintf(&b, "%s: %s\n", rest[0].offer.name(), rest[0].offer.summary())
		}
		b.WriteString(tableText(rest[:n]))
		if rest = rest[n:]; len(rest) > 0 {
			b.WriteByte('\n')
		}
	}
	return b.String() + tableLegend
}

// tableText is the table of one kind of address: all durations in milliseconds, a dash
// where a figure does not apply.
func tableText(results []result) string {
	rows := [][]string{{
		"scenario", "detect", "decide", "API", "gap", "first answer", "added", "outage",
		"failed", "moves", "writes", "reads", "owner", "result",
	}}
	for _, r := range results {
		if r.skipped != "" {
			rows = append(rows, []string{r.scenario.name, "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "not played: " + r.skipped})
			continue
		}
		verdict := "ok"
		if !r.passed() {
			verdict = "FAILED"
		}
		rows = append(rows, []string{
			r.scenario.name, cell(r.phases.Detect), cell(r.phases.Decide), cell(r.phases.API), cell(r.phases.Gap), cell(r.phases.Answer),
			cell(r.added), cell(&r.outage), strconv.Itoa(r.counts.failed), strconv.Itoa(r.counts.moves), strconv.Itoa(r.counts.writes),
			readsCell(r.calls), orNobody(r.counts.owner), verdict,
		})
	}
	if !slices.ContainsFunc(results, func(r result) bool { return r.offer.hasGap() }) {
		for i := range rows {
			rows[i] = slices.Delete(rows[i], gapColumn, gapColumn+1)
		}
	}
	width := len(rows[0])
	return aligned(rows, map[int]bool{0: true, width - 2: true, width - 1: true})
}

// gapColumn is shown for kinds that have one only.
const gapColumn = 4

const tableLegend = `
in ms. detect: fault to the decision; decide: to the write at the API, or to the
announcement; API: to the address moved; gap: held by nobody meanwhile, where a move is
two calls; first answer: to the client's first answer from the new owner; added: all
since the decision but what the cloud itself took to move it; outage: last good answer
before to first good answer after, all of them together. reads: calls of all nodes that
change nothing, from the fault until the new owner was told that it holds the address
`

// readsCell shows how many calls of a takeover changed nothing.
func readsCell(n *callCounts) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(n.reads())
}

// cell shows a duration in milliseconds; those below ten have a decimal, for some
// of them are much shorter than one.
func cell(d *time.Duration) string {
	switch {
	case d == nil:
		return "-"
	case *d > 0 && *d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(*d)/float64(time.Millisecond), 'f', 1, 64)
	default:
		return strconv.FormatInt(d.Milliseconds(), 10)
	}
}

// aligned pads the cells to the width of their column: text to the left, numbers
// to the right.
func aligned(rows [][]string, left map[int]bool) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], len(text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line []string
		for i, text := range row {
			width := widths[i]
			if left[i] {
				width = -width
			}
			line = append(line, fmt.Sprintf("%*s", width, text))
		}
		b.WriteString(strings.TrimRight(strings.Join(line, "  "), " ") + "\n")
	}
	return b.String()
}

// documentVersion is the version of the JSON form. Fields are only added.
const documentVersion = 1

// documentScenario is one scenario of the document. What does not apply is null.
type documentScenario struct {
	Name        string `json:"name"`
	Provider    string `json:"provider"`
	Kind        string `json:"kind"`
	Passed      bool   `json:"passed"`
	Moves       int    `json:"moves"`
	Writes      int    `json:"writes"`
	Outage      *int64 `json:"outage_ms"`
	Failed      int    `json:"failed_requests"`
	Detect      *int64 `json:"detect_ms"`
	Decide      *int64 `json:"decide_ms"`
	API         *int64 `json:"api_ms"`
	FirstAnswer *int64 `json:"first_answer_ms"`
	Gap         *int64 `json:"gap_ms"`
	Added       *int64 `json:"added_ms"`
	// Calls are those of all nodes from the fault until the new owner was told that it
	// holds the address, Seen how long after the move that was.
	Calls *callCounts `json:"calls"`
	Seen  *int64      `json:"seen_ms"`
	Owner *string     `json:"owner"`
	Why   *string     `json:"why"`
}

// documentSkipped is one scenario that does not apply to a kind of address.
type documentSkipped struct {
	Name     string `json:"name"`
	Provider string `json:"provider"`
	Kind     string `json:"kind"`
	Why      string `json:"why"`
}

// document returns the results as one JSON document.
func document(results []result) []byte {
	d := struct {
		Version   int                `json:"version"`
		Scenarios []documentScenario `json:"scenarios"`
		Skipped   []documentSkipped  `json:"skipped,omitempty"`
	}{Version: documentVersion, Scenarios: []documentScenario{}}
	for _, r := range results {
		if r.skipped != "" {
			d.Skipped = append(d.Skipped, documentSkipped{r.scenario.name, r.offer.provider, r.offer.kind, r.skipped})
			continue
		}
		d.Scenarios = append(d.Scenarios, documentScenario{
			Name: r.scenario.name, Provider: r.offer.provider, Kind: r.offer.kind,
			Passed: r.passed(), Moves: r.counts.moves, Writes: r.counts.writes,
			Outage: milliseconds(&r.outage), Failed: r.counts.failed,
			Detect: milliseconds(r.phases.Detect), Decide: milliseconds(r.phases.Decide),
			API: milliseconds(r.phases.API), FirstAnswer: milliseconds(r.phases.Answer),
			Gap: milliseconds(r.phases.Gap), Added: milliseconds(r.added),
			Calls: r.calls, Seen: milliseconds(r.seen),
			Owner: textOrNull(r.counts.owner), Why: textOrNull(r.why),
		})
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		panic("lab: plain values do not marshal: " + err.Error())
	}
	return append(text, '\n')
}

func milliseconds(d *time.Duration) *int64 {
	if d == nil {
		return nil
	}
	ms := d.Milliseconds()
	return &ms
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
