// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"context"
	"flag"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/providers"
)

var update = flag.Bool("update", false, "rewrite the golden parts of the scripts; review the difference as if it were code")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fipctl": main})
}

// TestScripts runs testdata/script. Beside the usual commands a script has
//
//	daemon SCENE   a daemon that answers on $SOCKET: healthy, refusing, failing
//	cloud STATE    a cloud with two droplets and the address 203.0.113.10 on the
//	               first (owned) or on nobody (unbound); $API and $METADATA are its
//	               endpoints, the latter that of the second droplet
//	fault NAME     makes the cloud misbehave from now on: reply-lost, denied
//	writes N       checks that the cloud received N writes
//	mode WANT FILE checks the permissions of a file
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SOCKET", filepath.Join(e.WorkDir, "s"))
			e.Setenv("NO_PROXY", "*")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": scriptDaemon, "cloud": scriptCloud, "fault": scriptFault, "writes": scriptWrites, "mode": scriptMode,
		},
	})
}

// scene is a daemon that always answers the same.
type scene struct {
	snapshot status.Snapshot
	steps    []status.Event
	outcome  status.Outcome
}

func (s scene) Snapshot() status.Snapshot { return s.snapshot }

func (s scene) play(report func(status.Event)) status.Outcome {
	for _, e := range s.steps {
		report(e)
	}
	return s.outcome
}

func (s scene) Assign(_ context.Context, r status.AssignRequest, report func(status.Event)) status.Outcome {
	if r.DryRun {
		return status.Outcome{Group: r.Group, Text: "would move web from lb-a to lb-b"}
	}
	return s.play(report)
}

func (s scene) Drain(_ context.Context, _ status.DrainRequest, report func(status.Event)) status.Outcome {
	return s.play(report)
}

func (s scene) Resume(_ context.Context, _ status.ResumeRequest, report func(status.Event)) status.Outcome {
	return s.play(report)
}

// scenes are the daemons that scripts can start. The snapshot's time is fixed, so that
// pages are golden, and far ahead, since a client tells an answer that is old.
func scenes() map[string]scene {
	noon := time.Date(2096, 11, 21, 12, 0, 0, 0, time.UTC)
	snapshot := status.Snapshot{
		Version: status.SnapshotVersion, Cluster: "web", Node: "lb-b", At: noon, Source: status.SourceDaemon,
		Groups: []status.Group{{
			Name: "web", VRID: 51, Role: "backup", Reason: "started", ReasonText: "the daemon started; the group waits in backup",
			Since: noon.Add(-time.Minute), Term: status.Term{Number: 4, Node: "lb-a"}, Conditions: []status.Condition{},
			Addresses: []status.Address{{
				Provider: "digitalocean", Kind: "reserved-ip", IP: netip.MustParseAddr("203.0.113.10"), VerifiedAt: noon.Add(-3 * time.Second),
				Owner: status.Owner{Node: "lb-a", Target: "1001", State: status.OwnerNode},
			}},
			Nodes: []status.Node{
				{Name: "lb-a", Role: "active", Priority: 110, Healthy: true, CanClaim: true, Elected: true, Bound: true, Fresh: true, LastAdvertAgeMS: new(int64(420))},
				{Name: "lb-b", Self: true, Role: "backup", Priority: 100, Healthy: true, CanClaim: true, Fresh: true},
			},
		}},
	}
	step := func(kind status.EventKind, text string) status.Event {
		return status.Event{Event: kind, At: noon, Group: "web", Text: text}
	}
	unbound := snapshot
	unbound.Groups = []status.Group{snapshot.Groups[0]}
	unbound.Groups[0].Addresses = []status.Address{{IP: netip.MustParseAddr("203.0.113.10"), VerifiedAt: noon, Owner: status.Owner{State: status.OwnerNone}}}
	return map[string]scene{
		"healthy": {snapshot, []status.Event{
			step(status.EventAsked, "asked lb-a to hand over"),
			step(status.EventClaimed, "lb-b is active"),
			step(status.EventBound, "the cloud says lb-b"),
			step(status.EventAnswering, "a probe reached lb-b"),
		}, status.Outcome{Group: "web", Text: "lb-b owns web"}},
		"refusing": {snapshot, nil, status.Outcome{
			Code: status.CodeRefused, Group: "web", Reason: "no-successor", Text: "no other node may lead now; --force drains and leaves the address here",
			Peers: []status.PeerReason{{Node: "lb-a", Reason: "unhealthy", Text: "its checks fail"}},
		}},
		"failing": {unbound, []status.Event{step(status.EventAsked, "asked lb-a to hand over")}, status.Outcome{
			Code: status.CodeFailed, Group: "web", Reason: "claim-failed", Text: "the cloud did not give the address to lb-b",
		}},
	}
}

func scriptDaemon(ts *testscript.TestScript, _ bool, args []string) {
	s, ok := scenes()[strings.Join(args, " ")]
	if !ok {
		ts.Fatalf("usage: daemon healthy|refusing|failing")
	}
	l, err := status.Listen(ts.Getenv("SOCKET"), 0o600, "")
	ts.Check(err)
	server := httptest.NewUnstartedServer(status.Handler(s, discard()))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	ts.Defer(server.Close)
}

// clouds holds the fake cloud of each running script, by its directory.
var clouds = newCloudTable()

func scriptCloud(ts *testscript.TestScript, _ bool, args []string) {
	model := fakecloud.New(fakecloud.Options{Now: time.Now})
	api := fakedo.New(model, fakedo.Options{Tokens: []fakedo.Token{{Value: "dop_v1_secret"}}, OperationDelay: -1})
	for i, id := range []string{"1001", "1002"} {
		private := netip.AddrFrom4([4]byte{10, 0, 4, byte(20 + i)})
		ts.Check(model.AddInstance(fakecloud.Instance{ID: id, Name: id, Region: "nyc3", Private: []netip.Addr{private}}))
	}
	address := fakecloud.Address{IP: netip.MustParseAddr("203.0.113.10"), Region: "nyc3"}
	if strings.Join(args, " ") == "owned" {
		address.Holder = providers.Target{Instance: "1001"}
	}
	ts.Check(model.AddAddress(address))
	server := httptest.NewServer(api)
	ts.Defer(server.Close)
	metadata := httptest.NewServer(api.MetadataHandler("1002"))
	ts.Defer(metadata.Close)
	ts.Setenv("API", server.URL)
	ts.Setenv("METADATA", metadata.URL)
	clouds.put(ts.Getenv("WORK"), model, api)
}

func scriptFault(ts *testscript.TestScript, _ bool, args []string) {
	_, api := clouds.get(ts.Getenv("WORK"))
	writes := face.Match{Method: "POST"}
	switch strings.Join(args, " ") {
	case "reply-lost":
		api.Inject(writes, face.CutAfter(), 1)
	case "denied":
		api.RevokeToken("dop_v1_secret")
	default:
		ts.Fatalf("usage: fault reply-lost|denied")
	}
}

func scriptWrites(ts *testscript.TestScript, _ bool, args []string) {
	model, _ := clouds.get(ts.Getenv("WORK"))
	var writes []string
	for _, e := range model.Journal() {
		if e.Write {
			writes = append(writes, e.Method+" "+e.Path+" "+e.Body)
		}
	}
	if len(args) != 1 || args[0] != itoa(len(writes)) {
		ts.Fatalf("%d writes, want %v: %q", len(writes), args, writes)
	}
}

func scriptMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm().String(); got != args[0] {
		ts.Fatalf("mode of %s is %s, want %s", args[1], got, args[0])
	}
}
