// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"
)

// results are two scenarios, one that went well and one that did not.
func someResults() []result {
	return []result{
		{
			offer:    digitalOceanOffers()[0],
			scenario: scenario{name: "killed"},
			counts:   counts{moves: 1, writes: 1, failed: 99, owner: "lb-b"},
			phases:   phases{Detect: ms(871), Decide: ms(4), API: ms(1102), Answer: ms(9)},
			added:    ms(13),
			calls:    &callCounts{Owner: 5, Operation: 2, Machine: 1, Preflight: 1, Write: 1},
			seen:     ms(40),
			outage:   1986 * time.Millisecond,
			note:     "decided 905ms after the last advert; active-down is 902ms (+0.3 %)",
			start:    at(100),
			events: []event{
				{At: at(40), Who: "lb-a", Kind: eventRole, What: "before the story"},
				{At: at(100), Who: "lab", Kind: eventLab, What: "lb-a's host dies"},
				{At: at(119), Who: "client", Kind: eventClient, What: "no answer any more"},
				{At: at(971), Who: "lb-b", Kind: eventRole, What: "backup -> active, term 2", Reason: "owner-silent"},
				{At: at(12071), Who: "cloud", Kind: eventMoved, What: "address moved: lb-a -> lb-b"},
			},
		},
		{
			offer:    digitalOceanOffers()[0],
			scenario: scenario{name: "peer-link-cut"},
			counts:   counts{moves: 1, writes: 2},
			why:      "1 move instead of 0, 2 writes instead of 0",
			logs:     []nodeLog{{"lb-a", []string{`{"msg":"one"}`, `{"msg":"two"}`}}, {"lb-b", nil}},
		},
	}
}

func TestWhatPeopleRead(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := Options{Stdout: &out, AdvertInterval: AdvertIntervalDefault, APILatency: APILatencyDefault}
	r := newReport(o)
	r.header(&loopback{plan: &plan{prefix: [3]byte{127, 83, 20}, daemon: 7112, web: 8080}}, digitalOceanOffers()[0], o)
	for _, res := range someResults() {
		r.begin(scenario{name: res.scenario.name, story: "what happens"})
		r.progress("not shown without a terminal")
		r.scenario(res)
	}
	r.skipped(result{offer: twoCalls(), scenario: scenario{name: "reply-lost"}, skipped: "no call moves it"})
	r.problem(errors.New("set up the cluster: no"))
	r.interrupted("assign")
	r.finish(someResults())
	golden(t, "report.txt", out.String())
}

func TestEachKindOfAddressHasItsTable(t *testing.T) {
	t.Parallel()
	results := someResults()
	for _, r := range someResults() {
		r.offer = twoCalls()
		r.phases.Gap = ms(1080)
		results = append(results, r)
	}
	skipped := result{offer: announced(), scenario: scenario{name: "reply-lost"}, skipped: "no call moves it"}
	golden(t, "tables.txt", tablesText(append(results, skipped)))
	golden(t, "several.json", string(document(append(results[1:3], skipped))))
}

func TestAMoveIsPutInWords(t *testing.T) {
	t.Parallel()
	instant := oneCall()
	instant.takes, instant.tables = 0, 2
	for _, test := range []struct {
		offer         offer
		move, summary string
	}{
		{oneCall(), "an accepted move takes 1s", "moved in one call"},
		{twoCalls(), "an accepted detach takes 1s, and so does an attach", "detached in one call, attached in another"},
		{announced(), "an announced move takes 1s", "its owner announces it"},
		{instant, "what it accepts is done at once", "moved in one call for each of 2 route tables"},
	} {
		if test.offer.moveText() != test.move || test.offer.summary() != test.summary {
			t.Errorf("%s: %q, %q", test.offer.name(), test.offer.moveText(), test.offer.summary())
		}
	}
}

func TestTheListMarksTheDefaultSet(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	newReport(Options{Stdout: &out}).list(scenarios())
	golden(t, "list.txt", out.String())
}

func TestTheLiveLineIsReplacedByWhatFollows(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := newReport(Options{Stdout: &out, Terminal: true})
	r.progress("waiting")
	r.progress(strings.Repeat("x", 200))
	r.print("done\n")
	r.print("more\n")
	long := "  ... " + strings.Repeat("x", progressMax-len("  ... "))
	if got, want := out.String(), clearLine+"  ... waiting"+clearLine+long+clearLine+"done\nmore\n"; got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// unread is output whose reader has gone away.
type unread struct{}

func (unread) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestALostReaderIsNoticed(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"of the text":     {Stdout: unread{}},
		"of the document": {JSON: true, Stdout: unread{}, Stderr: io.Discard},
	} {
		var lost error
		r := newReport(o)
		r.lost = func(err error) { lost = err }
		r.finish(someResults())
		if got, want := fmt.Sprint(lost), "write output: broken pipe"; got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestTheDocumentIsTheOnlyThingOnStandardOutput(t *testing.T) {
	t.Parallel()
	var out, people bytes.Buffer
	r := newReport(Options{JSON: true, Stdout: &out, Stderr: &people})
	r.begin(scenario{name: "killed"})
	r.finish(someResults())
	golden(t, "document.json", out.String())
	decoder := json.NewDecoder(&out)
	if err := decoder.Decode(new(any)); err != nil || decoder.More() {
		t.Errorf("decode: %v, more: %v", err, decoder.More())
	}
	if !strings.Contains(people.String(), "killed") {
		t.Errorf("people read %q", people.String())
	}
}

func TestADocumentOfNothingHasAnEmptyList(t *testing.T) {
	t.Parallel()
	want := "{\n  \"version\": 1,\n  \"scenarios\": []\n}\n"
	if got := string(document(nil)); got != want {
		t.Errorf("got %s", got)
	}
}
