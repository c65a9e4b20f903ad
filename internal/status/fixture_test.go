// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files; review the difference as if it were code")

// noon is the moment of every snapshot in these tests.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// golden compares got with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s (rewrite with -update):\n%s", path, cmp.Diff(string(want), string(got)))
	}
}

// onStandby is a healthy two-node cluster as the standby sees it.
func onStandby() Snapshot {
	return Snapshot{
		Version: SnapshotVersion, Cluster: "web", Node: "lb-b", At: noon, Source: SourceDaemon,
		VersionString: "v0.1.0", PID: 4711, Started: noon.Add(-3 * time.Hour),
		Groups: []Group{{
			Name: "web", VRID: 51, Role: "backup", Term: Term{Number: 4, Node: "lb-a"},
			Reason: "started", ReasonText: "the daemon started; the group waits in backup", Since: noon.Add(-12 * time.Minute),
			Addresses: []Address{{
				Provider: "digitalocean", Kind: "reserved-ip", IP: netip.MustParseAddr("203.0.113.10"),
				Owner:      Owner{Node: "lb-a", Target: "1001", State: OwnerNode},
				VerifiedAt: noon.Add(-3 * time.Second), Answering: new(false), AnsweredBy: "lb-a",
			}},
			Nodes: []Node{
				{Name: "lb-a", Role: "active", Priority: 110, Healthy: true, CanClaim: true, Elected: true, Bound: true,
					Answering: new(true), LastAdvertAgeMS: new(int64(420)), Fresh: true, Reason: "resumed-bound"},
				{Name: "lb-b", Self: true, Role: "backup", Priority: 100, Healthy: true, CanClaim: true,
					Answering: new(false), Fresh: true, Reason: "started"},
			},
			Conditions: []Condition{},
		}},
	}
}

// onOwnerAlone is the owner after its only peer fell silent, with a failing
// check that only lowers the priority.
func onOwnerAlone() Snapshot {
	s := onStandby()
	s.Node = "lb-a"
	g := &s.Groups[0]
	g.Role, g.Reason, g.ReasonText, g.Sticky = "active", "assigned", "an operator moved the group here", true
	g.Addresses[0].Bound, g.Addresses[0].Answering = true, new(true)
	g.Nodes[0].Self, g.Nodes[0].LastAdvertAgeMS = true, nil
	g.Nodes[0].Checks = []HealthCheck{{Name: "nginx", Healthy: true}, {Name: "backend", Text: "status 503, allowed 200-399"}}
	g.Nodes[1].Self, g.Nodes[1].Fresh, g.Nodes[1].LastAdvertAgeMS = false, false, new(int64(95_000))
	g.Nodes[1].Ineligible, g.Nodes[1].IneligibleText = "not-heard", "no advert from it in time"
	g.Conditions = []Condition{{
		Code: "no-standby", Severity: SeverityWarning, Since: noon.Add(-95 * time.Second),
		Text: "no peer could take over now; look at lb-b: is its daemon running, and does UDP 7112 pass both ways?",
	}}
	return s
}

// inTrouble has every line that a page can show.
func inTrouble() Snapshot {
	s := onStandby()
	s.Conditions = []Condition{{Code: "auth-mismatch", Severity: SeverityCritical, Text: "lb-a signs with another key; compare key_file on both nodes"}}
	g := &s.Groups[0]
	g.Drained = true
	g.Waiting = &Waiting{Reason: "peer-link-broken", Text: "the owner is silent here, but a probe or another peer says that it serves", Until: noon.Add(30 * time.Second),
		Read: &Read{Needs: noon.Add(-3600 * time.Millisecond), Since: noon.Add(-1200 * time.Millisecond)}}
	g.Handover = &Handover{From: "lb-a", To: "lb-b", Until: noon.Add(61 * time.Second)}
	g.Addresses[0].ReadError = "read owner of 203.0.113.10: throttled (429, request 4f2c)\x1b[31m"
	g.Addresses[0].Pending = true
	second := g.Addresses[0]
	second.IP = netip.MustParseAddr("2001:db8::42")
	second.Owner, second.ReadError, second.Pending = Owner{State: OwnerNone}, "", false
	third := second
	third.IP, third.Owner = netip.MustParseAddr("203.0.113.11"), Owner{Target: "987654", State: OwnerForeign}
	fourth := second
	fourth.IP, fourth.Owner, fourth.VerifiedAt = netip.MustParseAddr("203.0.113.12"), Owner{State: OwnerUnknown}, time.Time{}
	g.Addresses = append(g.Addresses, second, third, fourth)
	s.Groups = append(s.Groups, Group{Name: "mail", VRID: 52, Role: "initialize", Nodes: []Node{
		{Name: "lb-a", Role: "initialize", Priority: 100, Ineligible: "not-heard"},
		{Name: "lb-b", Self: true, Role: "initialize", Priority: 100, Fresh: true},
	}})
	return s
}

// fromCloud is what can be said without any daemon.
func fromCloud() Snapshot {
	s := onStandby()
	s.Source = SourceCloud
	g := &s.Groups[0]
	g.Role, g.Reason, g.ReasonText, g.Since, g.Term = "unknown", "", "", time.Time{}, Term{}
	g.Addresses[0].Answering = nil
	g.Nodes = []Node{{Name: "lb-a", Role: "unknown", Bound: true}, {Name: "lb-b", Self: true, Role: "unknown"}}
	return s
}
