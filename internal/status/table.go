// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"fmt"
	"strings"
	"time"
)

// column is one column of the node table. The optional ones are left out, the
// last first, when the terminal is too narrow.
type column struct {
	head     string
	cell     func(Node) string
	right    bool
	optional bool
}

// nodeTable returns the columns that mean something for the source: a snapshot
// read from the cloud knows owners and nothing else.
func nodeTable(nodes []Node, source string) ([]column, []Node) {
	columns := []column{
		{head: "NODE", cell: nodeName},
		{head: "ROLE", cell: func(n Node) string { return n.Role }},
		{head: "PRIO", cell: func(n Node) string { return fmt.Sprint(n.Priority) }, right: true},
		{head: "HEALTHY", cell: func(n Node) string { return yes(n.Healthy) }},
		{head: "ELECTED", cell: func(n Node) string { return yes(n.Elected) }},
		{head: "BOUND", cell: bound},
		{head: "ANSWERING", cell: func(n Node) string { return maybe(n.Answering) }},
		{head: "LAST ADVERT", cell: lastAdvert},
		{head: "CAN LEAD", cell: canLead, optional: true},
	}
	if source == SourceCloud {
		return []column{columns[0], columns[5]}, nodes
	}
	return columns, nodes
}

func nodeName(n Node) string {
	if n.Self {
		return n.Name + " *"
	}
	return n.Name
}

func bound(n Node) string {
	if n.BoundUnknown {
		return "unknown"
	}
	return yes(n.Bound)
}

func lastAdvert(n Node) string {
	switch {
	case n.Self:
		return "this node"
	case n.LastAdvertAgeMS == nil:
		return "never heard"
	}
	age := ago(time.Duration(*n.LastAdvertAgeMS) * time.Millisecond)
	if !n.Fresh {
		return age + " (silent)"
	}
	return age
}

func canLead(n Node) string {
	if n.Ineligible == "" {
		return "yes"
	}
	return "no: " + n.Ineligible
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func maybe(b *bool) string {
	if b == nil {
		return "-"
	}
	return yes(*b)
}

// table adds a table, indented by two columns.
func (p *page) table(columns []column, nodes []Node) {
	for p.options.Width > 0 && columns[len(columns)-1].optional && tableWidth(columns, nodes) > p.options.Width {
		columns = columns[:len(columns)-1]
	}
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.head
	}
	p.row(columns, nodes, heads)
	for _, n := range nodes {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = printable(c.cell(n))
		}
		p.row(columns, nodes, cells)
	}
}

func (p *page) row(columns []column, nodes []Node, cells []string) {
	var b strings.Builder
	for i, c := range columns {
		w := c.width(nodes)
		if c.right {
			w = -w
		}
		fmt.Fprintf(&b, "  %*s", -w, cells[i])
	}
	p.line(strings.TrimRight(b.String(), " "))
}

func (c column) width(nodes []Node) int {
	w := len(c.head)
	for _, n := range nodes {
		w = max(w, textWidth(c.cell(n)))
	}
	return w
}

func tableWidth(columns []column, nodes []Node) int {
	w := 0
	for _, c := range columns {
		w += 2 + c.width(nodes)
	}
	return w
}
