// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestTextShowsTheOwnerFirst(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file     string
		snapshot Snapshot
		options  TextOptions
	}{
		{"standby.txt", onStandby(), TextOptions{}},
		{"owner-alone.txt", onOwnerAlone(), TextOptions{Width: 100}},
		{"trouble.txt", inTrouble(), TextOptions{Width: 100}},
		{"trouble-narrow.txt", inTrouble(), TextOptions{Width: 40}},
		{"trouble-colour.txt", inTrouble(), TextOptions{Width: 100, Colour: true}},
		{"cloud.txt", fromCloud(), TextOptions{}},
		{"empty.txt", Snapshot{}, TextOptions{}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			golden(t, tt.file, []byte(Text(tt.snapshot, tt.options)))
		})
	}
}

func TestTextFitsEveryWidth(t *testing.T) {
	t.Parallel()
	for width := 1; width <= 120; width++ {
		for _, colour := range []bool{false, true} {
			for line := range strings.Lines(Text(inTrouble(), TextOptions{Width: width, Colour: colour})) {
				if got := textWidth(strings.TrimSuffix(line, "\n")); got > width {
					t.Errorf("width %d, colour %v: %d columns in %q", width, colour, got, line)
				}
				if on, off := strings.Count(line, "\x1b[3"), strings.Count(line, "\x1b[0m"); on != off {
					t.Errorf("width %d: colour switched on %d times and off %d times in %q", width, on, off, line)
				}
			}
		}
	}
}

func TestTextNeverObeysATextFromElsewhere(t *testing.T) {
	t.Parallel()
	s := inTrouble()
	s.Groups[0].Addresses[2].Owner.Target = "9\x1b[2J"
	s.Conditions[0].Code = "auth\x1b[2J"
	for _, colour := range []bool{false, true} {
		text := Text(s, TextOptions{Colour: colour})
		for _, want := range []string{"4f2c)?[31m", "9?[2J", "auth?[2J"} {
			if !strings.Contains(text, want) {
				t.Errorf("colour %v: an escape sequence from elsewhere is not shown as the text %q:\n%s", colour, want, text)
			}
		}
	}
}

func TestSpanHasOneUnit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0s"},
		{0, "0s"},
		{420 * time.Millisecond, "0.4s"},
		{3 * time.Second, "3s"},
		{9999 * time.Millisecond, "9.9s"},
		{10 * time.Second, "10s"},
		{119 * time.Second, "119s"},
		{2 * time.Minute, "2m"},
		{119 * time.Minute, "119m"},
		{47 * time.Hour, "47h"},
		{50 * time.Hour, "2d"},
	} {
		if got := span(tt.d); got != tt.want {
			t.Errorf("span(%v) = %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestSnapshotHasTheDocumentedJSON(t *testing.T) {
	t.Parallel()
	for file, s := range map[string]Snapshot{"standby.json": onStandby(), "trouble.json": inTrouble(), "cloud.json": fromCloud()} {
		document, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, file, append(document, '\n'))
	}
}
