// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBackend answers with what it was given and keeps what it was asked.
type fakeBackend struct {
	snapshot Snapshot
	events   []Event
	outcome  Outcome
	block    bool // operations wait for the end of their context

	mu    sync.Mutex
	asked []any
	began chan struct{} // one token per operation begun
	ended chan error    // why a blocked operation ended
}

func newFakeBackend() *fakeBackend {
	return &fakeBackend{snapshot: onStandby(), outcome: Outcome{Text: "lb-b owns web"}, began: make(chan struct{}, 64), ended: make(chan error, 64)}
}

func (b *fakeBackend) Snapshot() Snapshot { return b.snapshot }

func (b *fakeBackend) operate(ctx context.Context, r any, report func(Event)) Outcome {
	b.mu.Lock()
	b.asked = append(b.asked, r)
	b.mu.Unlock()
	b.began <- struct{}{}
	for _, e := range b.events {
		report(e)
	}
	if b.block {
		<-ctx.Done()
		b.ended <- ctx.Err()
		return Outcome{Code: CodeFailed, Text: "gave up waiting"}
	}
	return b.outcome
}

func (b *fakeBackend) Assign(ctx context.Context, r AssignRequest, report func(Event)) Outcome {
	return b.operate(ctx, r, report)
}

func (b *fakeBackend) Drain(ctx context.Context, r DrainRequest, report func(Event)) Outcome {
	return b.operate(ctx, r, report)
}

func (b *fakeBackend) Resume(ctx context.Context, r ResumeRequest, report func(Event)) Outcome {
	return b.operate(ctx, r, report)
}

// socketPath returns a path short enough for a socket, whatever the test's name.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// serving runs a server on a real socket for the length of the test and returns a
// client and the function that stops the server.
func serving(t *testing.T, b Backend, log *slog.Logger) (*Client, func()) {
	t.Helper()
	path := socketPath(t)
	l, err := Listen(path, 0o660, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- NewServer(l, b, log).Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run after cancellation: %v, want nil", err)
		}
	})
	t.Cleanup(stop)
	return NewClient(path), stop
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestStatusTravelsWhole(t *testing.T) {
	t.Parallel()
	b := newFakeBackend()
	b.snapshot = inTrouble()
	client, _ := serving(t, b, discard())
	client.now = func() time.Time { return noon }
	got, err := client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inTrouble(), got, cmp.Comparer(func(a, b Address) bool {
		return a.IP == b.IP && a.Owner == b.Owner && a.VerifiedAt.Equal(b.VerifiedAt) && a.ReadError == b.ReadError
	})); diff != "" {
		t.Errorf("snapshot changed on the way (-sent +received):\n%s", diff)
	}
}

func TestAnOperationStreamsItsStepsAndItsOutcome(t *testing.T) {
	t.Parallel()
	steps := []Event{
		{Event: EventAsked, At: noon, Group: "web", Text: "asked lb-a to hand over"},
		{Event: EventBound, At: noon, Group: "web", Text: "the cloud says lb-b"},
	}
	peers := []PeerReason{{Node: "lb-a", Reason: "unhealthy", Text: "its checks fail"}}
	for _, tt := range []struct {
		name    string
		call    func(*Client, func(Event)) (Outcome, error)
		outcome Outcome
		asked   any
		final   EventKind
	}{
		{"assign that is done", func(c *Client, f func(Event)) (Outcome, error) {
			return c.Assign(t.Context(), AssignRequest{Group: "web", To: "lb-b", Timeout: time.Minute, DryRun: true, Force: true}, f)
		}, Outcome{Group: "web", Text: "lb-b owns web"}, AssignRequest{Group: "web", To: "lb-b", Timeout: time.Minute, DryRun: true, Force: true}, EventDone},
		{"drain that is refused", func(c *Client, f func(Event)) (Outcome, error) {
			return c.Drain(t.Context(), DrainRequest{Group: "web", Timeout: time.Second, Force: true}, f)
		}, Outcome{Code: CodeRefused, Text: "nobody could take over", Reason: "no-successor", Peers: peers}, DrainRequest{Group: "web", Timeout: time.Second, Force: true}, EventRefused},
		{"resume that fails", func(c *Client, f func(Event)) (Outcome, error) {
			return c.Resume(t.Context(), ResumeRequest{Group: "web"}, f)
		}, Outcome{Code: CodeFailed, Text: "the disk is full"}, ResumeRequest{Group: "web"}, EventFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newFakeBackend()
			b.events, b.outcome = steps, tt.outcome
			client, _ := serving(t, b, discard())
			var got []Event
			outcome, err := tt.call(client, func(e Event) { got = append(got, e) })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.outcome, outcome); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]any{tt.asked}, b.asked); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if len(got) != 3 || got[2].At.IsZero() {
				t.Fatalf("events %+v, want both steps and a final one with a time", got)
			}
			final := tt.outcome.Event()
			final.At = got[2].At
			if diff := cmp.Diff(append(steps[:2:2], final), got); diff != "" || final.Event != tt.final {
				t.Errorf("final event %q, want %q; events (-want +got):\n%s", final.Event, tt.final, diff)
			}
		})
	}
}

func TestStoppingEndsRunningOperationsAndRemovesTheSocket(t *testing.T) {
	t.Parallel()
	b := newFakeBackend()
	b.block = true
	client, stop := serving(t, b, discard())
	result := make(chan error, 1)
	go func() {
		outcome, err := client.Assign(t.Context(), AssignRequest{Group: "web"}, nil)
		if err == nil && outcome.Code != CodeFailed {
			err = errors.New(outcome.Text)
		}
		result <- err
	}()
	<-b.began
	stop()
	if err := <-b.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("operation ended with %v, want its context canceled", err)
	}
	if err := <-result; err == nil {
		t.Error("client was told of success")
	} else if want := "see `fipctl status`"; !strings.Contains(err.Error(), want) {
		t.Errorf("client error %q, want it to say %q", err, want)
	}
	if _, err := os.Lstat(client.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket after the end: %v, want it removed", err)
	}
}

func TestTheHeadOfTheAnswerComesBeforeTheFirstStep(t *testing.T) {
	t.Parallel()
	b := newFakeBackend()
	b.block = true
	client, stop := serving(t, b, discard())
	body, err := client.do(t.Context(), http.MethodPost, pathDrain, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-b.ended:
		t.Errorf("the head came only when the operation had ended: %v", err)
	default:
	}
	body.Close()
	stop()
}

// A daemon that was stopped goes on and finds a request whose sender has been told that it
// hangs.
func TestAnOperationThatComesTooLateIsNotBegun(t *testing.T) {
	t.Parallel()
	b := newFakeBackend()
	client, _ := serving(t, b, discard())
	client.now = func() time.Time { return time.Now().Add(-2 * statusTimeout) }
	_, err := client.Assign(t.Context(), AssignRequest{Group: "web"}, nil)
	if want := "assign: whoever asked does not wait any more; nothing was done"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if b.asked != nil {
		t.Errorf("it was begun: %+v", b.asked)
	}
}

func TestAnOutcomeThatIsNeverHeardIsNotTakenForADaemonThatDoesNotRun(t *testing.T) {
	t.Parallel()
	path := socketPath(t)
	l, err := Listen(path, 0o600, "")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1024))
			c.Close()
		}
	}()
	_, err = NewClient(path).Assign(t.Context(), AssignRequest{Group: "web"}, nil)
	want := "wait for the daemon at " + path + ": it ended before the outcome was known; see `fipctl status`"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestAClientThatLeavesEndsItsOperation(t *testing.T) {
	t.Parallel()
	b := newFakeBackend()
	b.block = true
	client, _ := serving(t, b, discard())
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := client.Drain(ctx, DrainRequest{}, nil)
		result <- err
	}()
	<-b.began
	cancel()
	if err := <-b.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("operation ended with %v, want its context canceled", err)
	}
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("client error %v, want canceled", err)
	}
}

func TestOperationsBeyondTheLimitAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	b := newFakeBackend()
	b.block = true
	client, stop := serving(t, b, discard())
	var running sync.WaitGroup
	for range operationsMax {
		running.Go(func() { _, _ = client.Resume(t.Context(), ResumeRequest{}, nil) })
	}
	for range operationsMax {
		<-b.began
	}
	_, err := client.Resume(t.Context(), ResumeRequest{}, nil)
	if want := "resume: 4 operations are already under way; wait for them to end"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if _, err := client.Status(t.Context()); err != nil {
		t.Errorf("status while operations run: %v", err)
	}
	stop()
	running.Wait()
}

func TestAReaderShowsTheStatusAndTakesNoCommands(t *testing.T) {
	t.Parallel()
	b := newFakeBackend()
	path := socketPath(t)
	l, err := Listen(path, 0o666, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- NewReader(l, b, discard()).Run(ctx) }()
	defer func() { cancel(); <-done }()

	denied := NewClient("/closed").WithReader(path)
	denied.http.Transport = refusing{}
	for name, c := range map[string]*Client{"by name": NewClient(path), "where the other socket is closed to it": denied} {
		if got, err := c.Status(t.Context()); err != nil || got.Cluster != b.snapshot.Cluster {
			t.Errorf("%s: %v, %v", name, got.Cluster, err)
		}
	}
	denied.WithReader(path + ".none")
	var is *PermissionError
	if _, err := denied.Status(t.Context()); !errors.As(err, &is) || is.Path != "/closed" {
		t.Errorf("without a reader: %v, want who may use the first", err)
	}
	client := NewClient(path)
	for _, at := range []string{pathAssign, pathDrain, pathResume} {
		body, err := client.do(t.Context(), http.MethodPost, at, []byte("{}"))
		if err == nil {
			body.Close()
		}
		if want := "this socket shows the status and takes no commands; use the one that control.socket names"; err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", at, err, want)
		}
	}
	if len(b.asked) > 0 {
		t.Errorf("the backend was asked: %v", b.asked)
	}
}

// refusing is a socket that this process may not use, which root cannot be refused.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, os.ErrPermission }

func TestFortyIdleClientsKeepNoStatusWaiting(t *testing.T) {
	t.Parallel()
	client, _ := serving(t, newFakeBackend(), discard())
	for range 40 {
		c, err := net.Dial("unix", client.path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), statusTimeout/2) // they would be let go after 5 s
	defer cancel()
	if _, err := client.Status(ctx); err != nil {
		t.Error(err)
	}
}

func TestRequestsThatDoNotFitReachNobody(t *testing.T) {
	t.Parallel()
	b := newFakeBackend()
	client, _ := serving(t, b, discard())
	for _, tt := range []struct{ name, method, path, body, want string }{
		{"unknown field", "POST", pathAssign, `{"group":"web","dryrun":true}`, `unknown field "dryrun"`},
		{"no document", "POST", pathDrain, "", "drain: read request: EOF"},
		{"two documents", "POST", pathDrain, "{}{}", "more than one document"},
		{"wrong type", "POST", pathResume, `{"group":7}`, "cannot unmarshal number"},
		{"too large", "POST", pathAssign, `{"group":"` + strings.Repeat("x", 4<<10) + `"}`, "request body too large"},
		{"wrong method", "GET", pathAssign, "{}", "405 Method Not Allowed"},
		{"unknown path", "POST", "/v2/assign", "{}", "404 Not Found"},
	} {
		body, err := client.do(t.Context(), tt.method, tt.path, []byte(tt.body))
		if err == nil {
			body.Close()
			t.Errorf("%s: accepted", tt.name)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %q, want it to say %q", tt.name, err, tt.want)
		}
	}
	if len(b.asked) > 0 {
		t.Errorf("the backend was asked: %v", b.asked)
	}
}

func TestEveryOperationIsLoggedWithItsCaller(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	client, stop := serving(t, newFakeBackend(), slog.New(slog.NewTextHandler(&log, nil)))
	if _, err := client.Assign(t.Context(), AssignRequest{Group: "web"}, nil); err != nil {
		t.Fatal(err)
	}
	stop()
	for _, want := range []string{`msg="operator request" op=assign caller="uid `, " pid ", "Group:web", "code=0", `text="lb-b owns web"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %q:\n%s", want, log.String())
		}
	}
}

// pipes is a listener whose connections are made by the test, for bubbles in
// which real sockets do not work.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Addr() net.Addr { return caller("pipe") }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

// play serves b on pipes in a bubble, sends a request and hands over its connection.
func play(t *testing.T, b Backend, method, path string, story func(net.Conn)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- NewServer(l, b, discard()).Run(ctx) }()
		here, there := net.Pipe()
		l.conns <- there
		request, _ := http.NewRequest(method, "http://fipctl"+path, strings.NewReader("{}"))
		if err := request.Write(here); err != nil {
			t.Fatal(err)
		}
		story(here)
		here.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAnAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	b := newFakeBackend()
	play(t, b, "GET", pathStatus, func(c net.Conn) {
		time.Sleep(writeTimeout + time.Millisecond)
		if text, err := io.ReadAll(c); len(text) > 0 {
			t.Errorf("after %v there came %q, %v; want nothing", writeTimeout, text, err)
		}
	})
}

func TestAnOperationOutlivesTheReadDeadlineButNotItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBackend()
		b.block = true
		l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- NewServer(l, b, discard()).Run(ctx) }()

		here, there := net.Pipe()
		l.conns <- there
		go func() { _, _ = io.Copy(io.Discard, here) }()
		request, _ := http.NewRequest("POST", "http://fipctl"+pathAssign, strings.NewReader("{}"))
		if err := request.Write(here); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := <-b.ended; !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != operationMax {
			t.Errorf("operation ended after %v with %v, want %v and its deadline", time.Since(begun), err, operationMax)
		}
		here.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
