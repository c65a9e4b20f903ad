// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// TextOptions says what the text is made for.
type TextOptions struct {
	Width  int  // columns of the terminal; 0: no limit
	Colour bool // the reader understands ANSI colours
}

// Text renders a snapshot for people. For each group the first lines say who
// owns each address; then come this node's view, the nodes, and the conditions
// with their remedies. The text ends with a newline and never depends on the
// clock: ages count from s.At.
func Text(s Snapshot, o TextOptions) string {
	p := &page{options: o}
	p.conditions("", s.Conditions, s.At)
	for i, g := range s.Groups {
		if i > 0 || len(s.Conditions) > 0 {
			p.line("")
		}
		p.group(s, g)
	}
	if len(s.Groups) == 0 {
		p.line("no groups")
	}
	if len(s.Placements) > 0 {
		p.line("")
		p.placements(s)
	}
	return p.String()
}

// page collects lines.
type page struct {
	strings.Builder
	options TextOptions
}

func (p *page) group(s Snapshot, g Group) {
	for _, a := range g.Addresses {
		p.line(p.paint(ownerColour(a.Owner.State), fmt.Sprintf("%s  %s  %s", g.Name, addressText(a), ownership(s, a))))
		for _, f := range a.Following {
			p.line(fmt.Sprintf("  %s follows it by itself", f))
		}
		if a.ReadError != "" {
			p.wrap("  ", "last owner read: "+a.ReadError)
		}
	}
	if len(g.Addresses) == 0 {
		p.line(printable(g.Name) + "  no addresses")
	}
	p.wrap("  ", ownView(s, g))
	if g.Handover != nil {
		p.wrap("  ", handover(*g.Handover, s.At))
	}
	if g.Waiting != nil {
		p.wrap("  ", waiting(*g.Waiting, s.At))
	}
	p.line("")
	p.table(nodeTable(g.Nodes, s.Source))
	p.checks(g.Nodes)
	p.conditions("  ", g.Conditions, s.At)
}

// addressText names an address, and the table that a route is in.
func addressText(a Address) string {
	return providers.Address{Kind: a.Kind, IP: a.IP, ID: a.ID}.String()
}

// placements says with which nodes this one can fail together.
func (p *page) placements(s Snapshot) {
	for _, m := range s.Placements {
		switch m.Separation {
		case providers.Apart.String():
			p.wrap("", fmt.Sprintf("%s and %s fail apart: %s", s.Node, m.Node, m.Text))
		case providers.Together.String():
			p.wrap("", fmt.Sprintf("%s and %s can fail TOGETHER: %s", s.Node, m.Node, m.Text))
		default:
			p.wrap("", fmt.Sprintf("whether %s and %s can fail together is not known: %s", s.Node, m.Node, m.Text))
		}
	}
}

// ownership answers the question for which the command is run.
func ownership(s Snapshot, a Address) string {
	var who string
	switch a.Owner.State {
	case OwnerNode:
		who = "owned by " + a.Owner.Node
	case OwnerNone:
		who = "owned by NOBODY"
	case OwnerForeign:
		who = "owned by " + a.Owner.Target + ", which is NOT IN THE CLUSTER"
	default:
		return "owner UNKNOWN (never read)"
	}
	verified := "never verified"
	if !a.VerifiedAt.IsZero() {
		verified = "verified " + ago(s.At.Sub(a.VerifiedAt))
	}
	if a.Pending {
		verified += ", the cloud is working on it"
	}
	return fmt.Sprintf("%s (%s)", who, verified)
}

// ownView says what this node does about the group and why.
func ownView(s Snapshot, g Group) string {
	if s.Source == SourceCloud {
		return "read from the cloud; the daemons were not asked for their roles"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "this node %s: %s", s.Node, g.Role)
	if !g.Since.IsZero() {
		fmt.Fprintf(&b, " for %s", span(s.At.Sub(g.Since)))
	}
	if g.Reason != "" {
		fmt.Fprintf(&b, " because %s", reason(g.Reason, g.ReasonText))
	}
	if g.Term.Number > 0 {
		fmt.Fprintf(&b, "; term %d of %s", g.Term.Number, g.Term.Node)
	}
	if g.Sticky {
		b.WriteString("; sticky, placed by an operator")
	}
	if g.Drained {
		b.WriteString("; drained until `fipctl resume`")
	}
	return b.String()
}

func handover(h Handover, at time.Time) string {
	text := fmt.Sprintf("handover: from %s to %s", h.From, h.To)
	if !h.Until.IsZero() {
		text += ", at most " + span(h.Until.Sub(at)) + " more"
	}
	return text
}

func waiting(w Waiting, at time.Time) string {
	text := "waits: " + reason(w.Reason, w.Text)
	if !w.Until.IsZero() {
		text += ", at most " + span(w.Until.Sub(at)) + " more"
	}
	if w.Read == nil {
		return text
	}
	switch {
	case !w.Read.Since.IsZero():
		text += "; one has been under way for " + span(at.Sub(w.Read.Since))
	case !w.Read.Barred.IsZero():
		text += "; the provider answered that there were too many calls: none is made for " + span(w.Read.Barred.Sub(at))
	default:
		text += "; no read is under way"
	}
	if !w.Read.Needs.IsZero() {
		text += "; one is needed that began less than " + span(at.Sub(w.Read.Needs)) + " ago"
	}
	return text
}

// checks shows the checks of this node that fail or cannot tell: passing ones say nothing
// new.
func (p *page) checks(nodes []Node) {
	for _, n := range nodes {
		for _, c := range n.Checks {
			switch {
			case c.Inconclusive:
				p.wrapHead("  ", yellow, fmt.Sprintf("check %s of %s cannot tell:", c.Name, n.Name), c.Text)
			case !c.Healthy:
				p.wrapHead("  ", yellow, fmt.Sprintf("check %s of %s fails:", c.Name, n.Name), c.Text)
			}
		}
	}
}

func (p *page) conditions(indent string, cs []Condition, at time.Time) {
	for _, c := range cs {
		head := string(c.Severity) + " " + c.Code
		if !c.Since.IsZero() {
			head += " for " + span(at.Sub(c.Since))
		}
		p.wrapHead(indent, severityColour(c.Severity), head+":", c.Text)
	}
}

// reason shows the text and, in brackets, the word to search the documents for.
func reason(word, text string) string {
	if text == "" {
		return word
	}
	return fmt.Sprintf("%s (%s)", text, word)
}

// ago renders an age. The unit grows with it: nobody needs the milliseconds of
// an hour.
func ago(d time.Duration) string { return span(d) + " ago" }

// span renders a duration with one unit; negative ones (two clocks) count as 0.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Truncate(100*time.Millisecond).Seconds(), 'f', -1, 64) + "s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
}
