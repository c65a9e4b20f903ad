// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// eventKind says where an event was seen, which is also the order of events of
// the same instant.
type eventKind int

const (
	eventLab    eventKind = iota // the lab did something to the cluster
	eventEnd                     // a daemon's process ended
	eventRole                    // a daemon changed its role
	eventLog                     // a daemon logged a warning or an error
	eventWrite                   // a write reached the cloud's API
	eventMoved                   // the cloud changed the holder
	eventClient                  // the client got another answer than before
)

// event is one line of a scenario's timeline.
type event struct {
	At       time.Time
	Kind     eventKind
	Who      string // a node, or "lab", "cloud", "client"
	From, To string // of eventRole and eventMoved; nodes or roles; To of eventClient
	What     string
	Reason   string
}

// logLine is one line of a daemon's JSON log. Only texts are looked at, so that an
// attribute may have any type in lines that do not matter here.
type logLine map[string]any

func (l logLine) text(key string) string {
	s, _ := l[key].(string)
	return s
}

// term shows a term as the log has it: a number, a text, or an object with a
// number. There is none before the first claim.
func (l logLine) term() string {
	value := l["term"]
	if object, ok := value.(map[string]any); ok {
		value = cmp.Or(object["Number"], object["number"])
	}
	switch value {
	case nil, "", 0.0:
		return ""
	}
	return fmt.Sprintf(", term %v", value)
}

// roleMessage is the message of the one line that a daemon logs at every change
// of its role.
const roleMessage = "role changed"

// parseLog returns the event in a line that the daemon of node wrote, if it is
// one for the timeline: a change of role, or something at level warn or above.
// What is no JSON, such as a panic, is shown as it is.
func parseLog(node, line string, now time.Time) (event, bool) {
	var l logLine
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		return event{At: now, Kind: eventLog, Who: node, What: line}, strings.TrimSpace(line) != ""
	}
	e := event{At: now, Who: node, Reason: l.text("reason")}
	if at, err := time.Parse(time.RFC3339Nano, l.text("time")); err == nil {
		e.At = at
	}
	level := l.text("level")
	switch {
	case l.text("msg") == roleMessage:
		e.Kind, e.From, e.To = eventRole, l.text("from"), l.text("to")
		e.What = fmt.Sprintf("%s -> %s%s", e.From, e.To, l.term())
	case level == "WARN" || level == "ERROR":
		e.Kind, e.What = eventLog, strings.ToLower(level)+": "+l.text("msg")
		// The code of a condition, a check and its state, an error.
		for _, key := range []string{"code", "check", "state", "error"} {
			if detail := l.text(key); detail != "" {
				e.What += ": " + detail
			}
		}
	default:
		return event{}, false
	}
	return e, true
}

// writeEvents returns the writes that reached the cloud's API.
func writeEvents(journal []fakecloud.Entry) []event {
	var es []event
	for _, j := range journal {
		if j.Write {
			es = append(es, event{At: j.Arrived, Kind: eventWrite, Who: j.Node, What: writeText(j)})
		}
	}
	return es
}

// moveEvent is one change of the holder. name says what the lab calls a target; empty
// for nobody.
func moveEvent(ch fakecloud.Change, name func(providers.Target) string) event {
	e := event{At: ch.At, Kind: eventMoved, Who: "cloud", From: name(ch.From), To: name(ch.To)}
	where := ""
	if ch.Table != "" {
		where = " in " + ch.Table
	}
	e.What = fmt.Sprintf("address moved%s: %s -> %s", where, orNobody(e.From), orNobody(e.To))
	return e
}

func orNobody(name string) string { return cmp.Or(name, "nobody") }

// writeText says how one write went: "write: assign accepted (201)".
func writeText(j fakecloud.Entry) string {
	text := "write: " + cmp.Or(j.Action, j.Method+" "+j.Path)
	if j.Effect != "" {
		text = "write: " + j.Effect
	}
	switch {
	case j.Status != 0:
		text += fmt.Sprintf(" (%d)", j.Status)
	default:
		text += " (no answer)"
	}
	if j.Fault != "" {
		text += ", fault: " + j.Fault
	}
	return text
}

// clientEvents returns the turns of the client's answers.
func clientEvents(turns []turn) []event {
	es := make([]event, 0, len(turns))
	for _, t := range turns {
		es = append(es, clientEvent(t))
	}
	return es
}

func clientEvent(t turn) event {
	e := event{At: t.At, Kind: eventClient, Who: "client", To: t.Node, What: "no answer any more"}
	if t.Node != "" {
		e.What = "answered by " + t.Node
	}
	return e
}

// inOrder sorts events by time; those of one instant by cause before effect.
func inOrder(es []event) []event {
	slices.SortStableFunc(es, func(a, b event) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return cmp.Compare(a.Kind, b.Kind)
	})
	return es
}
