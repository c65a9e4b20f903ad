// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/internal/sim"
)

func TestArgumentsSayWhatToPlay(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]call{
		"-seeds 3-9 -workers 2":         {first: 3, last: 9, workers: 2},
		"-seeds 0-0 -workers 1 -o json": {workers: 1, json: true},
		"-seed 7 -workers 1 -trace":     {first: 7, last: 7, workers: 1, trace: true},
		"-seed 7 -workers 256 -o text":  {first: 7, last: 7, workers: 256},
	} {
		got, err := parse(strings.Fields(args))
		if err != nil || got != want {
			t.Errorf("parse %q: got %+v, %v, want %+v", args, got, err, want)
		}
	}
	if got, err := parse(nil); err != nil || got.first != 1 || got.last != 500 || got.workers < 1 {
		t.Errorf("without arguments: got %+v, %v", got, err)
	}
	if _, err := parse([]string{"-help"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-help: got %v", err)
	}
}

func TestBadUsageNamesTheFlagTheValueAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-seeds 9-3":                `invalid value "9-3" for flag -seeds: allowed is FIRST-LAST, as in 1-500, from 0 to 4611686018427387904`,
		"-seeds 9":                  `invalid value "9" for flag -seeds: allowed is FIRST-LAST, as in 1-500, from 0 to 4611686018427387904`,
		"-seeds 1-99999999":         `invalid value "1-99999999" for flag -seeds: allowed are at most 10000000 seeds`,
		"-seed -1":                  `invalid value "-1" for flag -seed: allowed is a number from 0 to 4611686018427387904`,
		"-seed 9999999999999999999": `invalid value "9999999999999999999" for flag -seed: allowed is a number from 0 to 4611686018427387904`,
		"-workers 0":                `invalid value "0" for flag -workers: allowed is a number from 1 to 256`,
		"-workers many":             `invalid value "many" for flag -workers: allowed is a number from 1 to 256`,
		"-o xml":                    `invalid value "xml" for flag -o: allowed are text and json`,
		"-seed 1 -seeds 1-2":        `flags -seed and -seeds: only one of them is allowed`,
		"-trace":                    `flag -trace: allowed only with -seed, since it prints every event`,
		"-seed 1 -trace -o json":    `flag -o "json": not allowed with -trace, which prints lines`,
		"5":                         `argument "5": none is allowed beside the flags; see -help`,
		"-fast":                     `flag provided but not defined: -fast`,
	} {
		if _, err := parse(strings.Fields(args)); err == nil || err.Error() != want {
			t.Errorf("parse %q: got %v, want %s", args, err, want)
		}
	}
}

func TestARunPrintsAReportAsTextOrJSON(t *testing.T) {
	t.Parallel()
	var text, document, progress bytes.Buffer
	c := call{first: 2, last: 3, workers: 2}
	if code := many(c, &text, &progress); code != 0 || !strings.HasPrefix(text.String(), "seeds 2-3: 2 histories, ") {
		t.Errorf("as text: exit %d\n%s", code, &text)
	}
	c.json = true
	if code := many(c, &document, &progress); code != 0 {
		t.Errorf("as JSON: exit %d", code)
	}
	var r sim.Report
	if err := json.Unmarshal(document.Bytes(), &r); err != nil || r.Histories != 2 || r.Seeds != "2-3" {
		t.Errorf("as JSON: %v\n%s", err, &document)
	}
}

func TestAReplayPrintsEveryEvent(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	code := replay(2, &out)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if code != 0 || len(lines) < 100 || !strings.Contains(lines[0], "seed 2: ") || !strings.HasSuffix(lines[len(lines)-1], " 0 violations") {
		t.Errorf("exit %d, %d lines, from %q to %q", code, len(lines), lines[0], lines[len(lines)-1])
	}
}
