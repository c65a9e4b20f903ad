// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// tableText is the table at the end: all durations in milliseconds, a dash where a
// figure does not apply.
func tableText(results []result) string {
	rows := [][]string{{
		"scenario", "detect", "decide", "API", "first answer", "outage",
		"failed", "moves", "writes", "owner", "result",
	}}
	for _, r := range results {
		verdict := "ok"
		if !r.passed() {
			verdict = "FAILED"
		}
		rows = append(rows, []string{
			r.scenario.name, cell(r.phases.Detect), cell(r.phases.Decide), cell(r.phases.API), cell(r.phases.Answer),
			cell(&r.outage), strconv.Itoa(r.counts.failed), strconv.Itoa(r.counts.moves), strconv.Itoa(r.counts.writes),
			orNobody(r.counts.owner), verdict,
		})
	}
	return aligned(rows, map[int]bool{0: true, 9: true, 10: true}) + tableLegend
}

const tableLegend = `
in ms. detect: fault to the decision; decide: to the write at the API; API: to the
address moved; first answer: to the client's first answer from the new owner;
outage: last good answer before to first good answer after, all gaps together
`

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
	Name        string  `json:"name"`
	Provider    string  `json:"provider"`
	Kind        string  `json:"kind"`
	Passed      bool    `json:"passed"`
	Moves       int     `json:"moves"`
	Writes      int     `json:"writes"`
	Outage      *int64  `json:"outage_ms"`
	Failed      int     `json:"failed_requests"`
	Detect      *int64  `json:"detect_ms"`
	Decide      *int64  `json:"decide_ms"`
	API         *int64  `json:"api_ms"`
	FirstAnswer *int64  `json:"first_answer_ms"`
	Owner       *string `json:"owner"`
	Why         *string `json:"why"`
}

// document returns the results as one JSON document.
func document(results []result) []byte {
	d := struct {
		Version   int                `json:"version"`
		Scenarios []documentScenario `json:"scenarios"`
	}{Version: documentVersion, Scenarios: []documentScenario{}}
	for _, r := range results {
		d.Scenarios = append(d.Scenarios, documentScenario{
			Name: r.scenario.name, Provider: providerName, Kind: addressKind,
			Passed: r.passed(), Moves: r.counts.moves, Writes: r.counts.writes,
			Outage: milliseconds(&r.outage), Failed: r.counts.failed,
			Detect: milliseconds(r.phases.Detect), Decide: milliseconds(r.phases.Decide),
			API: milliseconds(r.phases.API), FirstAnswer: milliseconds(r.phases.Answer),
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
