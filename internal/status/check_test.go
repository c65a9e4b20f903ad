// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"net/netip"
	"testing"
	"time"
)

func TestCheckJudgesEveryState(t *testing.T) {
	t.Parallel()
	change := func(f func(*Snapshot)) Snapshot {
		s := onStandby()
		f(&s)
		return s
	}
	for _, tt := range []struct {
		name     string
		snapshot Snapshot
		code     int
		line     string
	}{
		{"a served group is ok", onStandby(), 0, "FIPCTL OK: web 203.0.113.10 owned by lb-a"},
		{"ok on the owner too", change(func(s *Snapshot) {
			s.Node, s.Groups[0].Addresses[0].Bound, s.Groups[0].Addresses[0].Answering = "lb-a", true, new(true)
		}), 0, "FIPCTL OK: web 203.0.113.10 owned by lb-a"},
		{"no standby degrades", onOwnerAlone(), 1,
			"FIPCTL WARNING: web: no-standby: no peer could take over now; look at lb-b: is its daemon running, and does UDP 7112 pass both ways?"},
		{"an owner that is not elected degrades", change(func(s *Snapshot) { s.Groups[0].Nodes[0].Elected = false }), 1,
			"FIPCTL WARNING: web 203.0.113.10 owned by lb-a, which is not elected"},
		{"an owner that does not answer degrades", change(func(s *Snapshot) { s.Groups[0].Addresses[0].Bound = true }), 1,
			"FIPCTL WARNING: web 203.0.113.10 owned by lb-a, but not answering"},
		{"nobody is critical", change(func(s *Snapshot) { s.Groups[0].Addresses[0].Owner = Owner{State: OwnerNone} }), 2,
			"FIPCTL CRITICAL: web 203.0.113.10 owned by nobody"},
		{"a foreign owner is critical", change(func(s *Snapshot) {
			s.Groups[0].Addresses[0].Owner = Owner{Target: "987654", State: OwnerForeign}
		}), 2, "FIPCTL CRITICAL: web 203.0.113.10 owned by 987654 outside the cluster"},
		{"an owner never read is unknown", change(func(s *Snapshot) { s.Groups[0].Addresses[0].Owner = Owner{State: OwnerUnknown} }), 3,
			"FIPCTL UNKNOWN: web 203.0.113.10 owner never read"},
		{"an old owner read is unknown", change(func(s *Snapshot) { s.Groups[0].Addresses[0].VerifiedAt = noon.Add(-121 * time.Second) }), 3,
			"FIPCTL UNKNOWN: web 203.0.113.10 owned by lb-a when last read 2m ago"},
		{"an owner read of two minutes still counts", change(func(s *Snapshot) { s.Groups[0].Addresses[0].VerifiedAt = noon.Add(-2 * time.Minute) }), 0,
			"FIPCTL OK: web 203.0.113.10 owned by lb-a"},
		{"information is no finding", change(func(s *Snapshot) {
			s.Groups[0].Conditions = []Condition{{Code: "sticky", Severity: SeverityInfo, Text: "placed by hand"}}
		}), 0, "FIPCTL OK: web 203.0.113.10 owned by lb-a"},
		{"a condition of the daemon degrades", change(func(s *Snapshot) {
			s.Conditions = []Condition{{Code: "auth-mismatch", Severity: SeverityCritical, Text: "lb-a signs with another key"}}
		}), 1, "FIPCTL WARNING: auth-mismatch: lb-a signs with another key"},
		{"nobody outweighs degraded and unknown", inTrouble(), 2,
			"FIPCTL CRITICAL: web 2001:db8::42 owned by nobody; web 203.0.113.11 owned by 987654 outside the cluster"},
		{"degraded outweighs unknown", change(func(s *Snapshot) {
			s.Groups[0].Nodes[0].Elected = false
			s.Groups[0].Addresses = append(s.Groups[0].Addresses, Address{IP: netip.MustParseAddr("203.0.113.12")})
		}), 1, "FIPCTL WARNING: web 203.0.113.10 owned by lb-a, which is not elected"},
		{"the cloud alone knows no roles", fromCloud(), 0, "FIPCTL OK: web 203.0.113.10 owned by lb-a"},
		{"no groups is unknown", Snapshot{}, 3, "FIPCTL UNKNOWN: no groups"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, line := Check(tt.snapshot)
			if code != tt.code || line != tt.line {
				t.Errorf("Check =\n%d %s, want\n%d %s", code, line, tt.code, tt.line)
			}
		})
	}
}
