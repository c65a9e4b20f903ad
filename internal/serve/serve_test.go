// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package serve

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
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

// What the server of a world allows.
const (
	write   = 10 * time.Second // for an answer
	bodyMax = 64
)

// play runs a story in a bubble and then stops the server.
func play(t *testing.T, story func(*world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &world{T: t, pipes: &pipes{make(chan net.Conn), make(chan struct{})}, hold: make(chan struct{}), stop: cancel, ended: make(chan error, 1)}
		mux := http.NewServeMux()
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })
		mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
		mux.HandleFunc("/hold", func(answer http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "begin" {
				_ = http.NewResponseController(answer).Flush()
			}
			select {
			case <-w.hold:
			case <-r.Context().Done():
			}
		})
		mux.HandleFunc("POST /body", func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			w.Header().Set("Got", strconv.FormatInt(n, 10))
			var large *http.MaxBytesError
			switch {
			case errors.As(err, &large):
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			case err != nil:
				w.WriteHeader(http.StatusRequestTimeout)
			}
		})
		s := New(Config{Name: "test on", Listener: w.pipes, Handler: mux, Connections: 3, Body: bodyMax, Write: write, Log: slog.New(slog.DiscardHandler)})
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

// ask sends a request and returns the status, and 0 without a whole answer.
func ask(c net.Conn, path string) int {
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return 0
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
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
		time.Sleep(2 * settling)
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

// crowded keeps the room full of clients that do what is given and connect again, and
// returns what it takes for one that asks honestly to be answered.
func (w *world) crowded(does func(net.Conn)) {
	w.Helper()
	var crowd []net.Conn
	for range 3 {
		c := w.connect()
		go does(c)
		crowd = append(crowd, c)
	}
	synctest.Wait()
	begun := time.Now()
	late := w.connect()
	if got := ask(late, "/"); got != http.StatusOK || time.Since(begun) > settling {
		w.Errorf("answered %d after %v, want %d within %v", got, time.Since(begun), http.StatusOK, settling)
	}
	for _, c := range crowd {
		c.Close()
	}
}

func TestARequestThatDoesNotComeAsAWholeKeepsNobodyOut(t *testing.T) {
	for name, text := range map[string]string{
		"a body that is not read":     "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
		"one that is too large":       "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\nx",
		"one that is waited for":      "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
		"one that has no end":         "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
		"one that is to be asked for": "POST /body HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(w *world) {
				w.crowded(func(c net.Conn) {
					_, _ = io.WriteString(c, text)
					_, _ = io.Copy(io.Discard, c)
				})
			})
		})
	}
}

// TestAnAnswerThatNobodyReadsKeepsNobodyOut, however many are asked for one after another.
func TestAnAnswerThatNobodyReadsKeepsNobodyOut(t *testing.T) {
	for _, path := range []string{"/", "/large"} {
		t.Run(path, func(t *testing.T) {
			play(t, func(w *world) {
				w.crowded(func(c net.Conn) {
					_, _ = io.WriteString(c, strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n", 9))
				})
			})
		})
	}
}

// TestWhoHasJustBegunToAskIsWaitedFor, and those that have not make way.
func TestWhoHasJustBegunToAskIsWaitedFor(t *testing.T) {
	play(t, func(w *world) {
		first := w.connect()
		for _, c := range []net.Conn{first, w.connect(), w.connect()} {
			if got := ask(c, "/"); got != http.StatusOK {
				t.Fatal(got)
			}
			time.Sleep(time.Second)
		}
		_, _ = io.WriteString(first, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
		synctest.Wait()
		w.connect()
		_, _ = io.WriteString(first, "x")
		if resp, err := http.ReadResponse(bufio.NewReader(first), nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("got %v, %v", resp, err)
		}
	})
}

// TestARequestThatRunsAfterAPartOfItsAnswerIsNotEnded: who takes what comes is served.
func TestARequestThatRunsAfterAPartOfItsAnswerIsNotEnded(t *testing.T) {
	play(t, func(w *world) {
		answers := make(chan int, 3)
		for range 3 {
			c := w.connect()
			go func() { answers <- ask(c, "/hold?begin") }()
		}
		synctest.Wait()
		late := w.connect()
		go ask(late, "/")
		time.Sleep(2 * settling)
		close(w.hold)
		for range 3 {
			if got := <-answers; got != http.StatusOK {
				t.Errorf("a request under way: %d", got)
			}
		}
	})
}

// TestABodyIsReadOnceAndBounded by the server, for every handler.
func TestABodyIsReadOnceAndBounded(t *testing.T) {
	play(t, func(w *world) {
		for size, want := range map[int]int{0: http.StatusOK, bodyMax: http.StatusOK, bodyMax + 1: http.StatusRequestEntityTooLarge} {
			c := w.connect()
			go func() {
				_, _ = io.WriteString(c, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: "+strconv.Itoa(size)+"\r\n\r\n"+strings.Repeat("x", size))
			}()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != want || resp.Header.Get("Got") != strconv.Itoa(min(size, bodyMax)) {
				t.Errorf("%d bytes: got %v, %v, want %d", size, resp, err, want)
			}
			c.Close()
		}
	})
}

// TestWhoGoesLeavesRoom at once, also while its request runs.
func TestWhoGoesLeavesRoom(t *testing.T) {
	play(t, func(w *world) {
		begun := time.Now()
		for range 9 { // three times as many as there is room for
			c := w.connect()
			time.AfterFunc(time.Millisecond, func() { c.Close() })
			ask(c, "/hold")
		}
		if got := ask(w.connect(), "/"); got != http.StatusOK || time.Since(begun) > 9*time.Millisecond {
			t.Errorf("answered %d after %v", got, time.Since(begun))
		}
	})
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
