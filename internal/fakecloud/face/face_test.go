// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package face_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// vendor answers every call alike, counts those it sees, and takes the header
// "Who" for a credential.
type vendor struct {
	served atomic.Int64
	late   atomic.Int64
	onNode func() // called for every call that arrives; may be nil
}

func (v *vendor) Node(c *face.Call) string {
	if v.onNode != nil {
		v.onNode()
	}
	return c.Header.Get("Who")
}

func (v *vendor) Serve(c *face.Call) face.Answer {
	v.served.Add(1)
	v.late.Store(int64(c.Fault.Late))
	c.Effect = "served"
	body := "0123456789"
	switch {
	case c.Fault.FailOperation:
		body = "fails"
	case c.Fault.Done:
		body = "done"
	}
	return face.Answer{Status: 201, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte(body)}
}

func (*vendor) Fail(_ *face.Call, status int, retryAfter time.Duration) face.Answer {
	return face.Answer{Status: status, Header: http.Header{}, Body: fmt.Appendf(nil, "error %s", retryAfter)}
}

// newFace serves a face over real HTTP. get makes one POST on a fresh connection.
func newFace(t *testing.T, o face.Options) (s *face.Server, v *vendor, get func(path, who string) (string, error)) {
	t.Helper()
	v = &vendor{}
	o.Vendor = v
	s = face.New(o)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return s, v, func(path, who string) (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader("some\n  body"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Who", who)
		resp, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return fmt.Sprintf("%d %s", resp.StatusCode, body), err
	}
}

func TestWhatAFaultLooksLike(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  face.Fault
		want   string
		reset  bool
		served int64
		late   time.Duration
	}{
		{fault: face.Fault{}, want: "201 0123456789", served: 1},
		{fault: face.Throttled(29 * time.Second), want: "429 error 29s"},
		{fault: face.Throttled(0), want: "429 error 0s"},
		{fault: face.ServerError(503), want: "503 error 0s"},
		{fault: face.ServerErrorAfter(500), want: "500 error 0s", served: 1},
		{fault: face.CutBefore(), reset: true},
		{fault: face.CutAfter(), reset: true, served: 1},
		{fault: face.CutLate(30 * time.Second), reset: true, served: 1, late: 30 * time.Second},
		{fault: face.Refuse(), reset: true},
		{fault: face.Slow(time.Millisecond), want: "201 0123456789", served: 1},
		{fault: face.Empty(), want: "201 ", served: 1},
		{fault: face.HTML(), want: "201 <!DOCTYPE html><html><body><h1>Just a moment</h1></body></html>\n", served: 1},
		{fault: face.Truncated(), want: "201 01234", served: 1},
		{fault: face.Errored(), want: "201 fails", served: 1},
		{fault: face.DoneSpelling(), want: "201 done", served: 1},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			s, v, get := newFace(t, face.Options{})
			s.Inject(face.Match{}, tt.fault, 1)
			got, err := get("/x", "a")
			if tt.reset != errors.Is(err, syscall.ECONNRESET) || !tt.reset && err != nil {
				t.Errorf("error: got %v, want a reset: %v", err, tt.reset)
			}
			if got != tt.want {
				t.Errorf("answer: got %q, want %q", got, tt.want)
			}
			if n, late := v.served.Load(), time.Duration(v.late.Load()); n != tt.served || late != tt.late {
				t.Errorf("the vendor saw %d calls, %v late, want %d, %v", n, late, tt.served, tt.late)
			}
			if got, err := get("/x", "a"); got != "201 0123456789" {
				t.Errorf("the call after: got %q, %v", got, err)
			}
		})
	}
}

func TestWhichCallsAFaultHits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		on   face.Match
		hit  bool
	}{
		{"an empty match hits everything", face.Match{}, true},
		{"the method must be equal", face.Match{Method: "GET"}, false},
		{"the node must be equal", face.Match{Node: "b"}, false},
		{"a read is not this", face.Match{Reads: true}, false},
		{"all fields together", face.Match{Method: "POST", Node: "a", Path: "/v2/ips/1/actions"}, true},
		{"a star is one segment", face.Match{Path: "/v2/ips/*/actions"}, true},
		{"and not two", face.Match{Path: "/v2/*/actions"}, false},
		{"a path is not a prefix", face.Match{Path: "/v2/ips"}, false},
		{"but may be made one", face.Match{Path: "/v2/ips/..."}, true},
		{"with stars in it", face.Match{Path: "/v2/*/1/..."}, true},
		{"which does not end within a segment", face.Match{Path: "/v2/ip/..."}, false},
		{"nor go beyond the path", face.Match{Path: "/v2/ips/1/actions/9/..."}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _, get := newFace(t, face.Options{})
			s.Inject(tt.on, face.ServerError(500), 0)
			got, err := get("/v2/ips/1/actions", "a")
			want := map[bool]string{true: "500 error 0s", false: "201 0123456789"}[tt.hit]
			if got != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
}

func TestFaultsArePlayedInOrderAndUsedUp(t *testing.T) {
	t.Parallel()
	s, _, get := newFace(t, face.Options{})
	s.Inject(face.Match{Node: "b"}, face.ServerError(503), 2)
	clear := s.Inject(face.Match{}, face.ServerError(500), 0)
	s.Inject(face.Match{}, face.Throttled(0), 0)
	var got []string
	call := func(who string) {
		answer, err := get("/x", who)
		got = append(got, who+" "+answer[:3])
		if err != nil {
			t.Error(err)
		}
	}
	for _, who := range []string{"b", "a", "b", "b"} {
		call(who)
	}
	clear()
	clear() // once more changes nothing
	call("b")
	s.ClearFaults()
	call("b")
	want := []string{"b 503", "a 500", "b 503", "b 500", "b 429", "b 201"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestABadPatternPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		want := `face: inject "refused" on path "/[" 1 times: bad pattern or count`
		if got := recover(); got != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}()
	face.New(face.Options{Vendor: &vendor{}}).Inject(face.Match{Path: "/["}, face.Refuse(), 1)
}

func TestTheJournalTellsWhatHappened(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := fakecloud.New(fakecloud.Options{Now: func() time.Time { return now }})
	s, _, get := newFace(t, face.Options{
		Model: m, Sources: map[netip.Addr]string{netip.MustParseAddr("127.0.0.1"): "by-address"},
	})
	s.Inject(face.Match{Path: "/cut"}, face.CutAfter(), 1)
	for _, call := range [][2]string{{"/ok", "a"}, {"/ok", ""}, {"/cut", "b"}} {
		_, _ = get(call[0], call[1]) // the cut one fails
	}
	entry := func(id int64, node, path string, status int, fault string) fakecloud.Entry {
		return fakecloud.Entry{
			ID: id, Node: node, Method: "POST", Path: path, Body: "some body", Write: true, Status: status,
			Fault: fault, Effect: "served", RequestID: fmt.Sprintf("00000000-0000-4000-8000-%012d", id),
			Arrived: now, Answered: now,
		}
	}
	want := []fakecloud.Entry{
		entry(1, "a", "/ok", 201, ""), entry(2, "by-address", "/ok", 201, ""), entry(3, "b", "/cut", 0, "cut-after"),
	}
	if diff := cmp.Diff(want, m.Journal(), cmpopts.IgnoreFields(fakecloud.Entry{}, "Remote")); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestABodyBeyondAllMeasureIsRefused(t *testing.T) {
	t.Parallel()
	v := &vendor{}
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader(strings.Repeat("x", 1<<20)))
	face.New(face.Options{Vendor: v}).ServeHTTP(rec, req)
	if rec.Code != http.StatusRequestEntityTooLarge || v.served.Load() != 0 {
		t.Errorf("got %d after %d calls", rec.Code, v.served.Load())
	}
}

// handle plays one call without sockets and reports whether it was answered and
// how long it took.
func handle(ctx context.Context, s *face.Server) (answered bool, took time.Duration) {
	begin := time.Now()
	defer func() {
		took = time.Since(begin)
		if r := recover(); r != nil && r != http.ErrAbortHandler {
			panic(r)
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodPost, "/x", nil))
	return true, 0
}

func TestTimeInTheFace(t *testing.T) {
	t.Parallel()
	const latency, patience = 400 * time.Millisecond, 3 * time.Second
	tests := []struct {
		name     string
		latency  time.Duration
		fault    face.Fault
		answered bool
		took     time.Duration
		served   int64
	}{
		{"a request travels for the latency", latency, face.Fault{}, true, latency, 1},
		{"a slow reply comes on top", latency, face.Slow(time.Second), true, latency + time.Second, 1},
		{"a caller that leaves on the way changes nothing", time.Minute, face.Fault{}, false, patience, 0},
		{"a caller that leaves later has changed something", latency, face.Slow(time.Minute), false, patience, 1},
		{"a black hole lasts until the caller leaves", 0, face.BlackHole(), false, patience, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{}
				s := face.New(face.Options{Vendor: v, Latency: tt.latency})
				s.Inject(face.Match{}, tt.fault, 1)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				answered, took := handle(ctx, s)
				if answered != tt.answered || took != tt.took || v.served.Load() != tt.served {
					t.Errorf("answered %v after %v, %d served, want %v after %v, %d",
						answered, took, v.served.Load(), tt.answered, tt.took, tt.served)
				}
			})
		})
	}
}

func TestAListenerServesUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	v := &vendor{}
	s := face.New(face.Options{Vendor: v})
	l, err := face.Listen("127.0.0.1:0", s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- l.Run(ctx) }()
	resp, err := http.Get(l.URL() + "/x")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()

	// A call in a black hole does not hold up the end.
	s.Inject(face.Match{}, face.BlackHole(), 1)
	arrived, hanging := make(chan struct{}), make(chan error, 1)
	v.onNode = func() { close(arrived) }
	go func() {
		_, err := http.Post(l.URL()+"/hang", "", nil)
		hanging <- err
	}()
	<-arrived
	cancel()
	if err := <-ran; err != nil {
		t.Errorf("run: %v", err)
	}
	if err := <-hanging; err == nil {
		t.Error("the hanging call got an answer")
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("the socket still listens")
	}
	if err := l.Close(); err != nil {
		t.Errorf("close once more: %v", err)
	}
}

func TestAListenerThatNeverRanCanBeClosed(t *testing.T) {
	t.Parallel()
	l, err := face.Listen("127.0.0.1:0", http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := face.Listen(l.Addr().String(), http.NotFoundHandler()); err == nil ||
		!strings.HasPrefix(err.Error(), "listen for the fake cloud on "+l.Addr().String()+": ") {
		t.Errorf("a taken address: got %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Run(t.Context()); err != nil {
		t.Errorf("run after close: %v", err)
	}
}

// namer is a vendor whose calls all look alike.
type namer struct{ vendor }

func (*namer) Action(c *face.Call) (string, bool) {
	name := c.Header.Get("Who")
	return name, strings.HasPrefix(name, "Set")
}

func (*namer) Node(*face.Call) string { return "" }

func (*namer) Fail(c *face.Call, status int, _ time.Duration) face.Answer {
	return face.Answer{Status: 200, Header: http.Header{}, Body: fmt.Appendf(nil, "%s %d", c.Fault.Code, status)}
}

func TestCallsThatTheVendorNames(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := fakecloud.New(fakecloud.Options{Now: func() time.Time { return now }})
	v := &namer{}
	s := face.New(face.Options{Model: m, Vendor: v})
	s.Inject(face.Match{Action: "SetAddress"}, face.Code("InvalidState"), 0)
	var got []string
	for _, action := range []string{"GetAddress", "SetAddress"} {
		rec, req := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil)
		req.Header.Set("Who", action)
		s.ServeHTTP(rec, req)
		got = append(got, rec.Body.String())
	}
	for _, e := range m.Journal() {
		got = append(got, fmt.Sprint(e.Action, " ", e.Write, " ", e.Fault))
	}
	want := []string{"0123456789", "InvalidState 0", "GetAddress false ", "SetAddress true InvalidState"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers and journal (-want +got):\n%s", diff)
	}
	if n := v.served.Load(); n != 1 {
		t.Errorf("the vendor saw %d calls, want 1", n)
	}
}
