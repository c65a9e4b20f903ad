// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package serve

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a listener whose connections the test makes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

type nowhere struct{}

func (nowhere) Network() string { return "pipe" }
func (nowhere) String() string  { return "here" }

func (p *pipes) Addr() net.Addr { return nowhere{} }

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

// world is a server with three connections at most, in a bubble.
type world struct {
	*testing.T
	pipes *pipes
	hold  chan struct{} // requests for /hold wait until it is closed
	stop  context.CancelFunc
	ended chan error
}

// write is how long an answer may take.
const write = 10 * time.Second

// play runs a story in a bubble and then stops the server.
func play(t *testing.T, story func(*world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &world{T: t, pipes: &pipes{make(chan net.Conn), make(chan struct{})}, hold: make(chan struct{}), stop: cancel, ended: make(chan error, 1)}
		mux := http.NewServeMux()
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })
		mux.HandleFunc("/hold", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-w.hold:
			case <-r.Context().Done():
			}
		})
		mux.HandleFunc("POST /body", func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(http.StatusRequestTimeout)
			}
		})
		s := New(Config{Name: "test on", Listener: w.pipes, Handler: mux, Connections: 3, Write: write, Log: slog.New(slog.DiscardHandler)})
		if got := s.String(); got != "test on here" {
			t.Errorf("the server calls itself %q", got)
		}
		go func() { w.ended <- s.Run(ctx) }()
		story(w)
		cancel()
		if err := <-w.ended; err != nil {
			t.Errorf("stopped: %v", err)
		}
	})
}

// connect makes a connection that asks nothing.
func (w *world) connect() net.Conn {
	w.Helper()
	here, there := net.Pipe()
	w.Cleanup(func() { here.Close() })
	select {
	case w.pipes.conns <- there:
	case <-time.After(time.Second):
		w.Fatal("nobody accepts")
	}
	synctest.Wait()
	return here
}

// ask sends a request and returns the status, and 0 without an answer.
func ask(c net.Conn, path string) int {
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return 0
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	play(t, func(w *world) {
		used := w.connect()
		if got := ask(used, "/"); got != http.StatusOK {
			t.Errorf("the first: %d", got)
		}
		var silent []net.Conn
		for range 40 {
			silent = append(silent, w.connect())
		}
		begun := time.Now()
		if got := ask(w.connect(), "/"); got != http.StatusOK || time.Since(begun) > settling {
			t.Errorf("after 40 that ask nothing: %d after %v", got, time.Since(begun))
		}
		if got := ask(used, "/"); got != 0 {
			t.Errorf("who has waited longest still has a connection: %d", got)
		}
		if got := ask(silent[39], "/"); got != http.StatusOK {
			t.Errorf("who came last has none: %d", got)
		}
	})
}

func TestWhoHasJustConnectedIsNotDroppedForTheNext(t *testing.T) {
	play(t, func(w *world) {
		first := w.connect()
		done := make(chan struct{})
		go func() { // a crowd that connects as fast as it can
			defer close(done)
			for range 10 {
				_, there := net.Pipe()
				w.pipes.conns <- there
			}
		}()
		time.Sleep(settling - time.Millisecond)
		if got := ask(first, "/"); got != http.StatusOK {
			t.Errorf("its request was not waited for: %d", got)
		}
		<-done
	})
}

func TestARequestThatRunsIsNotEndedForAnother(t *testing.T) {
	play(t, func(w *world) {
		answers := make(chan int, 3)
		for range 3 {
			c := w.connect()
			go func() { answers <- ask(c, "/hold") }()
		}
		synctest.Wait()
		late := w.connect() // it is accepted and waits for room
		lately := make(chan int, 1)
		go func() { lately <- ask(late, "/") }()
		synctest.Wait()
		select {
		case got := <-lately:
			t.Errorf("a fourth was answered (%d) while three run", got)
		default:
		}
		close(w.hold)
		for range 3 {
			if got := <-answers; got != http.StatusOK {
				t.Errorf("a request under way: %d", got)
			}
		}
		if got := <-lately; got != http.StatusOK {
			t.Errorf("the fourth: %d", got)
		}
	})
}

func TestWhoSendsHalfARequestOrNoneIsLetGo(t *testing.T) {
	play(t, func(w *world) {
		slow, quiet, used := w.connect(), w.connect(), w.connect()
		if got := ask(used, "/"); got != http.StatusOK {
			t.Fatal(got)
		}
		go func() { _, _ = io.WriteString(slow, "GET / HTTP/1.1\r\nHost:") }()
		begun := time.Now()
		for name, c := range map[string]net.Conn{"half a request": slow, "none": quiet} {
			_, _ = io.Copy(io.Discard, c)
			if took := time.Since(begun); took != requestTimeout {
				t.Errorf("%s: let go after %v, want %v", name, took, requestTimeout)
			}
		}
		_, _ = io.Copy(io.Discard, used)
		if took := time.Since(begun); took != idleTimeout {
			t.Errorf("nothing after a request: let go after %v, want %v", took, idleTimeout)
		}
	})
}

func TestNoConnectionIsKeptBySendingSlowly(t *testing.T) {
	play(t, func(w *world) {
		c := w.connect()
		begun := time.Now()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for range 20 {
				if _, err := io.WriteString(c, "G"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		_, _ = io.Copy(io.Discard, c)
		if took := time.Since(begun); took != requestTimeout {
			t.Errorf("let go after %v, want %v", took, requestTimeout)
		}
		c.Close()
		<-ended
	})
}

func TestABodyThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	play(t, func(w *world) {
		c := w.connect()
		begun := time.Now()
		if _, err := io.WriteString(c, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusRequestTimeout || time.Since(begun) != requestTimeout {
			t.Errorf("got %v, %v after %v, want %d after %v", resp, err, time.Since(begun), http.StatusRequestTimeout, requestTimeout)
		}
	})
}

func TestAnAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	play(t, func(w *world) {
		c := w.connect()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(write + time.Millisecond)
		if text, err := io.ReadAll(c); len(text) > 0 {
			t.Errorf("after %v there came %q, %v; want nothing", write, text, err)
		}
	})
}

func TestHeadersAreBounded(t *testing.T) {
	play(t, func(w *world) {
		for size, want := range map[int]int{headerBytesMax / 2: http.StatusOK, 2 * headerBytesMax: http.StatusRequestHeaderFieldsTooLarge} {
			c := w.connect()
			go func() {
				_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", size)+"\r\n\r\n")
			}()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != want {
				t.Errorf("%d bytes: got %v, %v, want %d", size, resp, err, want)
			}
			c.Close()
		}
	})
}

// TestAConnectionThatMadeWayHasNoPlace tells the room of one what the server sees of it
// late: that a request began, or ended.
func TestAConnectionThatMadeWayHasNoPlace(t *testing.T) {
	t.Parallel()
	for _, s := range []http.ConnState{http.StateActive, http.StateIdle} {
		r := newRoom(nil, 1)
		c, _ := net.Pipe()
		r.follow(c, s)
		if len(r.idle)+len(r.busy) != 0 {
			t.Errorf("%v: it takes a place: %d idle, %d busy", s, len(r.idle), len(r.busy))
		}
	}
}

func TestStoppingEndsWhatWaitsForRoom(t *testing.T) {
	play(t, func(w *world) {
		for range 3 {
			c := w.connect()
			go ask(c, "/hold")
		}
		synctest.Wait()
		late := w.connect()
		w.stop()
		if got := ask(late, "/"); got != 0 {
			t.Errorf("answered after the end: %d", got)
		}
	})
}
