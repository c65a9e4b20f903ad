// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"flag"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
	"github.com/fipctl/fipctl/pkg/providers"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares text with a file in testdata, or rewrites the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(testdata(t, name), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func ring(t *testing.T) wire.Keyring {
	t.Helper()
	k, err := wire.ParseKeyring([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAShortFileGetsEveryDefault(t *testing.T) {
	t.Parallel()
	want := &Config{
		Cluster: Cluster{ID: "web", KeyFile: "/etc/fipctl/cluster.key", Keyring: ring(t), AdvertInterval: time.Second},
		Node:    "lb-a",
		Nodes: []Node{
			{Name: "lb-a", Address: netip.MustParseAddrPort("10.0.4.20:7112")},
			{Name: "lb-b", Address: netip.MustParseAddrPort("10.0.4.21:7112")},
		},
		Listen:   netip.MustParseAddrPort("0.0.0.0:7112"),
		Control:  Control{Socket: "/run/fipctl/fipctl.sock", Mode: 0o660, Reader: Reader{Mode: 0o666}},
		StateDir: "/var/lib/fipctl",
		Log:      Log{Level: slog.LevelInfo, Format: "auto"},
		Groups: []Group{{
			Name:         "web",
			VRID:         51,
			PreemptDelay: 30 * time.Second,
			Priority:     map[string]uint8{"lb-a": 110, "lb-b": 100},
			Addresses:    []providers.Address{{Provider: "digitalocean", Kind: "reserved-ip", IP: netip.MustParseAddr("203.0.113.10")}},
			Checks: []health.Check{{
				Name: "nginx", Interval: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3,
				Probe: health.HTTP{URL: "http://127.0.0.1/healthz", StatusMin: 200, StatusMax: 399},
			}},
			ClaimTimeout:   15 * time.Second,
			DisplacedRetry: 5 * time.Minute,
			OnMoved:        election.FollowMoved,
			OnNotAnswering: Alarm,
		}},
		Providers: []Provider{{Name: "digitalocean", Endpoint: "https://api.example.com", MetadataEndpoint: "http://169.254.169.254", CallsPerHour: 5000}},
	}
	if diff := cmp.Diff(want, load(t, good), equal...); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	t.Parallel()
	c := load(t, testdata(t, "full.yaml"))
	golden(t, "full.effective.yaml", string(Effective(c)))
	if got := c.Peers(); len(got) != 2 || got[0].Name != "lb-a" || got[1].Name != "3" {
		t.Errorf("peers: %v", got)
	}
	if got := c.Self().Address.String(); got != "[2001:db8::21]:7000" {
		t.Errorf("own address: %s", got)
	}
	if g, ok := c.Group("db.internal"); !ok || g.VRID != 255 {
		t.Errorf("group: %v, %t", g, ok)
	}
	if p, ok := c.Provider("other"); !ok || p.Name != "other" {
		t.Errorf("provider: %v, %t", p, ok)
	}
	if _, ok := c.Group("nobody"); ok {
		t.Error("a group that does not exist was found")
	}
	if _, ok := c.Provider("nobody"); ok {
		t.Error("a provider that does not exist was found")
	}
}

func TestAllProblemsOfAFileAreReportedInOrder(t *testing.T) {
	t.Parallel()
	got := problemsOf(machine(testdata(t, "many.yaml")).options())
	golden(t, "many.txt", got+"\n")
	if strings.Contains(got, "secret") {
		t.Error("the report shows a token")
	}
}

func TestListenDefaultsToTheWildcardOfTheFamiliesInUse(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, old, new, want string }{
		{"IPv4 only", "", "", "0.0.0.0:7112"},
		{"another port", "address: 10.0.4.20", "address: \"10.0.4.20:7000\"", "0.0.0.0:7000"},
		{"a node with IPv6", "address: 10.0.4.21", "address: \"2001:db8::21\"", "[::]:7112"},
		{"a floating IPv6", "ip: 203.0.113.10", "ip: \"2001:db8::10\"", "[::]:7112"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := load(t, strings.Replace(good, tt.old, tt.new, 1)).Listen.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestProblemsKeepWarningsApart(t *testing.T) {
	t.Parallel()
	text := strings.Replace(good, "lb-b: 100", "lb-b: 110", 1)
	c := load(t, text)
	if len(c.Warnings) != 1 || c.Warnings[0].Severity != Warning || c.Warnings[0].Line != 10 {
		t.Errorf("warnings of a usable file: %v", c.Warnings)
	}
	_, err := Load(path, machine(strings.Replace(text, "vrid: 51", "vrid: 0", 1)).options())
	ps, ok := err.(Problems)
	if !ok || len(ps.Errors()) != 1 || len(ps.Warnings()) != 1 {
		t.Fatalf("problems of an unusable file: %v", err)
	}
	want := Problem{
		File: path, Line: 9, Column: 5, Path: "groups[0].vrid", Severity: Error,
		Text: "0 is outside 1 to 255; use a number that no other group has",
	}
	if diff := cmp.Diff(want, ps.Errors()[0]); diff != "" {
		t.Errorf("problem (-want +got):\n%s", diff)
	}
}
