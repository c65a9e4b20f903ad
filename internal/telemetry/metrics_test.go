// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package telemetry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// scrape returns the lines that Prometheus would read, without comments, those
// of histograms reduced to their counts.
func scrape(t *testing.T, m *Metrics) []string {
	t.Helper()
	_, body := get(t, m.Handler(func() (time.Duration, time.Duration) { return 0, time.Second }), "/metrics")
	var lines []string
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, "_bucket{") && !strings.Contains(line, "seconds_sum") {
			lines = append(lines, line)
		}
	}
	return lines
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

// changed returns what f adds to a scrape and what it takes away.
func changed(t *testing.T, m *Metrics, f func()) []string {
	t.Helper()
	before := scrape(t, m)
	f()
	after := scrape(t, m)
	var lines []string
	for _, l := range before {
		if !slices.Contains(after, l) {
			lines = append(lines, "- "+l)
		}
	}
	for _, l := range after {
		if !slices.Contains(before, l) {
			lines = append(lines, "+ "+l)
		}
	}
	return lines
}

func TestEachRecordingChangesItsSeriesAndNoOther(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 500_000_000)
	throttled := &providers.Error{Op: "read owner of 203.0.113.10", Kind: providers.Throttled}
	for _, tt := range []struct {
		name   string
		record func(*Metrics)
		want   []string
	}{
		{"the role is a set of states and says who is elected", func(m *Metrics) { m.Role("web", election.Active) }, []string{
			`- fipctl_elected{group="web"} 0`,
			`- fipctl_role{group="web",role="active"} 0`,
			`- fipctl_role{group="web",role="initialize"} 1`,
			`+ fipctl_elected{group="web"} 1`,
			`+ fipctl_role{group="web",role="active"} 1`,
			`+ fipctl_role{group="web",role="initialize"} 0`,
		}},
		{"bound", func(m *Metrics) { m.Bound("web", true) }, []string{`- fipctl_bound{group="web"} 0`, `+ fipctl_bound{group="web"} 1`}},
		{"answering", func(m *Metrics) { m.Answering("web", new(false)) }, []string{`+ fipctl_answering{group="web"} 0`}},
		{"answering that became unknown is absent", func(m *Metrics) { m.Answering("web", new(true)); m.Answering("web", nil) }, nil},
		{"disagreement", func(m *Metrics) { m.Disagreement("web", true) }, []string{`- fipctl_disagreement{group="web"} 0`, `+ fipctl_disagreement{group="web"} 1`}},
		{"the last owner read", func(m *Metrics) { m.Verified("web", at) }, []string{`+ fipctl_binding_verified_timestamp_seconds{group="web"} 1.8000000005e+09`}},
		{"a transition", func(m *Metrics) {
			m.Transition("web", election.Backup, election.Active, election.ReasonOwnerSilent)
		}, []string{`+ fipctl_transitions_total{from="backup",group="web",reason="owner-silent",to="active"} 1`}},
		{"a sent advert", func(m *Metrics) { m.AdvertSent("lb-b") }, []string{`- fipctl_adverts_sent_total{peer="lb-b"} 0`, `+ fipctl_adverts_sent_total{peer="lb-b"} 1`}},
		{"an accepted advert", func(m *Metrics) { m.AdvertAccepted("lb-b", at) }, []string{
			`- fipctl_adverts_accepted_total{peer="lb-b"} 0`,
			`+ fipctl_adverts_accepted_total{peer="lb-b"} 1`,
			`+ fipctl_peer_last_advert_timestamp_seconds{peer="lb-b"} 1.8000000005e+09`,
		}},
		{"a refused datagram", func(m *Metrics) { m.AdvertRefused(election.ReasonReplayed) }, []string{
			`- fipctl_adverts_refused_total{reason="replayed"} 0`, `+ fipctl_adverts_refused_total{reason="replayed"} 1`}},
		{"overrun datagrams", func(m *Metrics) { m.FollowNetwork(func() uint64 { return 4 }) }, []string{
			`- fipctl_datagrams_overrun_total 0`, `+ fipctl_datagrams_overrun_total 4`}},
		{"dropped datagrams", func(m *Metrics) { m.DatagramsDropped(3); m.DatagramsDropped(-1) }, []string{
			`- fipctl_datagrams_dropped_total 0`, `+ fipctl_datagrams_dropped_total 3`}},
		{"a call that succeeded", func(m *Metrics) { m.ProviderCall("digitalocean", OpOwner, nil, time.Second) }, []string{
			`+ fipctl_provider_call_seconds_count{op="owner",provider="digitalocean"} 1`,
			`+ fipctl_provider_calls_total{kind="ok",op="owner",provider="digitalocean"} 1`}},
		{"a call that was throttled", func(m *Metrics) { m.ProviderCall("digitalocean", OpAssign, throttled, time.Second) }, []string{
			`+ fipctl_provider_call_seconds_count{op="assign",provider="digitalocean"} 1`,
			`+ fipctl_provider_calls_total{kind="throttled",op="assign",provider="digitalocean"} 1`}},
		{"an error of no kind is unknown", func(m *Metrics) { m.ProviderCall("digitalocean", OpIdentity, errors.New("x"), time.Second) }, []string{
			`+ fipctl_provider_call_seconds_count{op="identity",provider="digitalocean"} 1`,
			`+ fipctl_provider_calls_total{kind="unknown",op="identity",provider="digitalocean"} 1`}},
		{"a call given up is canceled", func(m *Metrics) { m.ProviderCall("digitalocean", OpRelease, context.Canceled, time.Second) }, []string{
			`+ fipctl_provider_call_seconds_count{op="release",provider="digitalocean"} 1`,
			`+ fipctl_provider_calls_total{kind="canceled",op="release",provider="digitalocean"} 1`}},
		{"a phase", func(m *Metrics) { m.Phase(PhaseAPI, 2*time.Second) }, []string{
			`- fipctl_failover_phase_seconds_count{phase="api"} 0`, `+ fipctl_failover_phase_seconds_count{phase="api"} 1`}},
		{"what is left of an account", func(m *Metrics) { m.CallsLeft("digitalocean", 5000, 4321) }, []string{
			`+ fipctl_provider_calls_limit{provider="digitalocean"} 5000`, `+ fipctl_provider_calls_remaining{provider="digitalocean"} 4321`}},
		{"an address that is put back", func(m *Metrics) { m.PutBack("web") }, []string{`+ fipctl_addresses_put_back_total{group="web"} 1`}},
		{"an announcement", func(m *Metrics) { m.Announced("web") }, []string{`+ fipctl_announcements_total{group="web"} 1`}},
		{"an engine that stands still", func(m *Metrics) { m.FollowEngine(func() time.Duration { return 12 * time.Second }) }, []string{
			`- fipctl_engine_age_seconds 0`, `+ fipctl_engine_age_seconds 12`}},
		{"lost lines of the log", func(m *Metrics) { m.FollowLog(func() uint64 { return 7 }) }, []string{
			`- fipctl_log_lines_lost_total 0`, `+ fipctl_log_lines_lost_total 7`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := New("v0.1.0")
			m.SetGroups([]string{"web"})
			m.SetPeers([]string{"lb-b"})
			if diff := cmp.Diff(tt.want, changed(t, m, func() { tt.record(m) })); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReloadingDropsTheGaugesOfWhatIsGone(t *testing.T) {
	t.Parallel()
	m := New("v0.1.0")
	empty := scrape(t, m)
	m.SetGroups([]string{"web", "mail"})
	m.SetPeers([]string{"lb-b", "lb-c"})
	m.Role("web", election.Active)
	m.AdvertAccepted("lb-b", time.Unix(1, 0))
	m.AdvertAccepted("lb-c", time.Unix(1, 0))
	kept := changed(t, m, func() {
		m.SetGroups([]string{"web"})
		m.SetPeers([]string{"lb-b"})
	})
	want := []string{
		`- fipctl_bound{group="mail"} 0`,
		`- fipctl_checks_inconclusive{group="mail"} 0`,
		`- fipctl_disagreement{group="mail"} 0`,
		`- fipctl_elected{group="mail"} 0`,
		`- fipctl_peer_last_advert_timestamp_seconds{peer="lb-c"} 1`,
		`- fipctl_role{group="mail",role="active"} 0`,
		`- fipctl_role{group="mail",role="backup"} 0`,
		`- fipctl_role{group="mail",role="drained"} 0`,
		`- fipctl_role{group="mail",role="fault"} 0`,
		`- fipctl_role{group="mail",role="initialize"} 1`,
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	m.SetGroups(nil)
	m.SetPeers(nil)
	for _, line := range scrape(t, m) {
		if strings.Contains(line, "group=") && !slices.Contains(empty, line) {
			t.Errorf("left behind: %s", line)
		}
	}
}

func TestHealthzFollowsTheBeat(t *testing.T) {
	t.Parallel()
	m := New("v0.1.0")
	for _, tt := range []struct {
		age  time.Duration
		code int
		body string
	}{
		{0, 200, "ok\n"},
		{5 * time.Second, 200, "ok\n"},
		{5*time.Second + 1, 503, "the engine loop last ran 5s ago, at most 5s is normal\n"},
		{time.Hour, 503, "the engine loop last ran 1h0m0s ago, at most 5s is normal\n"},
	} {
		code, body := get(t, m.Handler(func() (time.Duration, time.Duration) { return tt.age, 5 * time.Second }), "/healthz")
		if code != tt.code || body != tt.body {
			t.Errorf("beat %v ago: %d %q, want %d %q", tt.age, code, body, tt.code, tt.body)
		}
	}
}

// documented reads the table of docs/metrics.md: name, type and labels per row.
func documented(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(fipctl_[a-z_]+)` \\| ([a-z]+) \\| ([^|]*) \\|")
	var metrics []string
	for _, cells := range row.FindAllStringSubmatch(string(page), -1) {
		labels := strings.FieldsFunc(cells[3], func(r rune) bool { return strings.ContainsRune("`, -", r) })
		slices.Sort(labels)
		metrics = append(metrics, strings.Join([]string{cells[1], cells[2], strings.Join(labels, ",")}, " "))
	}
	return metrics
}

func TestThePageListsExactlyTheRegisteredMetrics(t *testing.T) {
	t.Parallel()
	m := New("v0.1.0")
	m.SetGroups([]string{"web"})
	m.SetPeers([]string{"lb-b"})
	m.Answering("web", new(true))
	m.Verified("web", time.Unix(1, 0))
	m.AdvertAccepted("lb-b", time.Unix(1, 0))
	m.Transition("web", election.Backup, election.Active, election.ReasonUnbound)
	m.ProviderCall("digitalocean", OpOwner, nil, 0)
	m.Announced("web")
	m.PutBack("web")
	m.CallsLeft("digitalocean", 5000, 4321)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var registered []string
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		registered = append(registered, strings.Join([]string{f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ",")}, " "))
	}
	page := documented(t)
	slices.Sort(page)
	if diff := cmp.Diff(registered, page); diff != "" {
		t.Errorf("docs/metrics.md (-registered +documented):\n%s", diff)
	}
	if len(registered) != 24 {
		t.Errorf("%d families gathered, want all 24", len(registered))
	}
}

// unread is a response that nobody reads.
type unread struct {
	http.ResponseWriter
	begun, hold chan struct{}
}

func (u unread) Write(b []byte) (int, error) {
	u.begun <- struct{}{}
	<-u.hold
	return 0, http.ErrHandlerTimeout
}

func TestScrapesThatNobodyReadsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	m := New("1.0")
	h := m.Handler(func() (time.Duration, time.Duration) { return 0, time.Second })
	begun, hold, done := make(chan struct{}, 1000), make(chan struct{}), make(chan struct{})
	const slow = 31 // with one more as many as there are connections
	for range slow {
		go func() {
			h.ServeHTTP(unread{httptest.NewRecorder(), begun, hold}, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			done <- struct{}{}
		}()
		<-begun
	}
	if code, body := get(t, h, "/metrics"); code != http.StatusOK {
		t.Errorf("one more: %d %s", code, body)
	}
	close(hold)
	for range slow {
		<-done
	}
}
