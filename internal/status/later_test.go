// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestASnapshotShownLaterIsOlder(t *testing.T) {
	t.Parallel()
	s := onOwnerAlone()
	later := s.Later(time.Minute)
	if text := Text(later, TextOptions{}); !strings.Contains(text, "(verified 63s ago)") || !strings.Contains(text, "2m ago (silent)") {
		t.Errorf("a minute later:\n%s", text)
	}
	if diff := cmp.Diff(Text(onOwnerAlone(), TextOptions{}), Text(s, TextOptions{})); diff != "" {
		t.Errorf("the snapshot itself changed:\n%s", diff)
	}
	if code, line := Check(s.Later(3 * time.Minute)); code != CheckDegraded || !strings.Contains(line, "no-standby") {
		t.Errorf("check: %d %s", code, line)
	}
}

func TestAnEngineThatStandsStillIsShown(t *testing.T) {
	t.Parallel()
	s := onStandby().Later(12 * time.Second).Still(12 * time.Second)
	if text := Text(s, TextOptions{}); !strings.HasPrefix(text, "critical engine-still for 12s: the engine has not run for 12s: ") {
		t.Errorf("text:\n%s", text)
	}
	for name, s := range map[string]Snapshot{"well": s, "with nobody": inTrouble().Still(12 * time.Second), "without groups": {Conditions: s.Conditions}} {
		code, line := Check(s)
		if code != CheckUnknown || !strings.HasPrefix(line, "FIPCTL UNKNOWN: engine-still: the engine has not run for 12s") {
			t.Errorf("%s: check says %d %s", name, code, line)
		}
	}
}

// TestAClientTellsAnOldAnswer: a daemon may answer with what it knew long ago, and not
// know it.
func TestAClientTellsAnOldAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		age  time.Duration
		want int
	}{
		{"an answer of just now is taken as it is", 5 * time.Second, CheckOK},
		{"clocks may differ the other way", -time.Hour, CheckOK},
		{"an old one says nothing of now", 6 * time.Second, CheckUnknown},
	} {
		b := newFakeBackend()
		b.snapshot = onStandby()
		client, _ := serving(t, b, discard())
		client.now = func() time.Time { return noon.Add(tt.age) }
		s, err := client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if code, line := Check(s); code != tt.want {
			t.Errorf("%s: %d %s", tt.name, code, line)
		}
	}
}
