// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"fmt"
	"strings"
	"time"
)

// The codes of Check, as monitoring plugins return them (Monitoring Plugins
// Development Guidelines, "Plugin Return Codes").
const (
	CheckOK       = 0 // every address is owned by the elected node
	CheckDegraded = 1 // served, but a condition needs an operator or a move is under way
	CheckNobody   = 2 // an address is owned by nobody in the cluster
	CheckUnknown  = 3 // the owner is not known, or the daemon does not answer
)

// verifiedAgeMax is the age at which an owner read says nothing about now any
// more. It is far above any reading interval (design, 5.2: 15 s while a peer is
// missing) and below the five minutes at which most monitoring looks.
const verifiedAgeMax = 2 * time.Minute

// Check judges a snapshot for monitoring: the code, and one line that says why.
// What an engine knew before it stopped says nothing of now. Of several groups the worst counts: 2 before 1 before 3 before 0, the order in
// which monitoring plugins combine results.
func Check(s Snapshot) (code int, line string) {
	if c, holds := s.still(); holds {
		return CheckUnknown, "FIPCTL UNKNOWN: " + printable(c.Code+": "+c.Text)
	}
	if len(s.Groups) == 0 {
		return CheckUnknown, "FIPCTL UNKNOWN: no groups"
	}
	var findings []finding
	for _, c := range s.Conditions {
		findings = append(findings, conditionFinding("", c)...)
	}
	for _, g := range s.Groups {
		findings = append(findings, groupFindings(s, g)...)
	}
	worst := CheckOK
	for _, f := range findings {
		if rank(f.code) > rank(worst) {
			worst = f.code
		}
	}
	var texts []string
	for _, f := range findings {
		if f.code == worst {
			texts = append(texts, f.text)
		}
	}
	return worst, fmt.Sprintf("FIPCTL %s: %s", [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[worst], printable(strings.Join(texts, "; ")))
}

// finding is one thing that Check found.
type finding struct {
	code int
	text string
}

// rank orders the codes from best to worst.
func rank(code int) int {
	return [...]int{CheckOK: 0, CheckUnknown: 1, CheckDegraded: 2, CheckNobody: 3}[code]
}

func groupFindings(s Snapshot, g Group) []finding {
	var findings []finding
	for _, a := range g.Addresses {
		findings = append(findings, addressFinding(s, g, a))
	}
	for _, c := range g.Conditions {
		findings = append(findings, conditionFinding(g.Name+": ", c)...)
	}
	return findings
}

// addressFinding judges elected == bound. From the cloud alone nobody's role is
// known, so there the owner is all that counts.
func addressFinding(s Snapshot, g Group, a Address) finding {
	place := fmt.Sprintf("%s %s ", g.Name, a.IP)
	age := s.At.Sub(a.VerifiedAt)
	switch {
	case a.Owner.State == OwnerNone:
		return finding{CheckNobody, place + "owned by nobody"}
	case a.Owner.State == OwnerForeign:
		return finding{CheckNobody, place + "owned by " + a.Owner.Target + " outside the cluster"}
	case a.Owner.State != OwnerNode:
		return finding{CheckUnknown, place + "owner never read"}
	case age > verifiedAgeMax:
		return finding{CheckUnknown, place + "owned by " + a.Owner.Node + " when last read " + ago(age)}
	}
	if s.Source != SourceCloud && !elected(g, a.Owner.Node) {
		return finding{CheckDegraded, place + "owned by " + a.Owner.Node + ", which is not elected"}
	}
	if a.Answering != nil && !*a.Answering && a.Bound {
		return finding{CheckDegraded, place + "owned by " + a.Owner.Node + ", but not answering"}
	}
	return finding{CheckOK, place + "owned by " + a.Owner.Node}
}

func elected(g Group, node string) bool {
	for _, n := range g.Nodes {
		if n.Name == node {
			return n.Elected
		}
	}
	return false
}

func conditionFinding(place string, c Condition) []finding {
	if c.Severity == SeverityInfo {
		return nil
	}
	return []finding{{CheckDegraded, place + c.Code + ": " + c.Text}}
}
