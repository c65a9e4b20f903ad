// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package face

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

// bodyMax is how many bytes of a request are read; real requests have under 100.
const bodyMax = 64 << 10

// Call is one request on its way through a face.
type Call struct {
	Method, Path, Remote string
	Host                 string // as the client names it, with a port if it does
	Query                url.Values
	Header               http.Header
	Body                 []byte
	RequestID            string
	Node                 string // who asks, as far as known
	Fault                Fault  // what the script wants for this call
	Action               string // the vendor's name of what is asked; empty where the path says it
	Write                bool   // asks for a change

	// Set by the vendor, for the journal.
	Effect    string
	Operation int64
}

// Answer is what a client gets. Header names go out as they are spelled.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Vendor is one cloud's format. Its methods are called concurrently and never
// block.
type Vendor interface {
	// Node names the node that the credentials of c belong to; empty: unknown.
	Node(c *Call) string
	// Serve does what c asks and returns the vendor's answer.
	Serve(c *Call) Answer
	// Fail returns the vendor's answer for an error that the script wants: that of
	// c.Fault.Code if there is one, else for the HTTP status (429 is the vendor's own
	// way to throttle, whatever status that has). A retryAfter of zero is not
	// mentioned in it.
	Fail(c *Call, status int, retryAfter time.Duration) Answer
}

// Namer is implemented by vendors whose calls are not told apart by method and path:
// Action names what c asks for, and says whether that is a change. It is asked before
// the script is.
type Namer interface {
	Action(c *Call) (name string, write bool)
}

// Options are the settings of a face.
type Options struct {
	Model   *fakecloud.Model // keeps the journal; nil: no journal
	Vendor  Vendor
	Latency time.Duration
	Sources map[netip.Addr]string // remote address -> node, where the credentials name none

	Shape    Shape     // how much answers tell
	Sparings []Sparing // what Sparse leaves out
}

// Server serves one vendor's format over HTTP/1. It is safe for concurrent use.
type Server struct {
	model    *fakecloud.Model
	vendor   Vendor
	sources  map[netip.Addr]string
	shape    Shape
	sparings []Sparing
	latency  atomic.Int64
	requests atomic.Int64
	script   script
}

// New returns a face. It starts nothing.
func New(o Options) *Server {
	s := &Server{model: o.Model, vendor: o.Vendor, sources: o.Sources, shape: o.Shape, sparings: o.Sparings}
	s.SetLatency(o.Latency)
	return s
}

// SetLatency sets how long a request travels before the vendor sees it.
func (s *Server) SetLatency(d time.Duration) { s.latency.Store(int64(d)) }

// Inject scripts a fault for the next times calls that on selects; zero means
// until it is cleared. Of several that match, the first injected is played. clear
// withdraws what is left of it. Inject panics on a bad pattern or count.
func (s *Server) Inject(on Match, do Fault, times int) (clear func()) {
	return s.script.add(on, do, times)
}

// ClearFaults withdraws all faults. Calls under way keep theirs.
func (s *Server) ClearFaults() { s.script.clear() }

// ServeHTTP plays the call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil && !errors.As(err, new(*http.MaxBytesError)) {
		panic(http.ErrAbortHandler) // the client left while it was sending
	}
	c := s.newCall(r, body)
	entry := s.arrive(c)
	if !sleep(r.Context(), time.Duration(s.latency.Load())) {
		c.Effect = "none: the caller left"
		s.finish(entry, c, 0)
		panic(http.ErrAbortHandler)
	}
	var a Answer
	switch f := c.Fault; {
	case err != nil:
		a = s.vendor.Fail(c, http.StatusRequestEntityTooLarge, 0)
	case f.Code != "":
		a = s.vendor.Fail(c, 0, f.retry)
	case f.skip && f.status == 0: // cut or black hole: nobody answers
	case f.skip:
		a = s.vendor.Fail(c, f.status, f.retry)
	case f.status != 0:
		s.vendor.Serve(c)
		a = s.vendor.Fail(c, f.status, f.retry)
	default:
		a = s.vendor.Serve(c)
	}
	s.reply(w, r, c, entry, s.shape.shaped(c, a, s.sparings))
}

// reply sends a, or what the fault makes of it. The journal is complete before
// the client can know of the answer.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, c *Call, entry int64, a Answer) {
	f := c.Fault
	left := !sleep(r.Context(), f.delay)
	if f.hang {
		<-r.Context().Done()
		left = true
	}
	if f.cut || left {
		s.finish(entry, c, 0)
		cut(w)
	}
	if f.mangle != nil {
		f.mangle(&a)
	}
	s.finish(entry, c, a.Status)
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Status)
	// A client that does not read its answer is its own concern.
	if !f.pieces {
		_, _ = w.Write(a.Body)
		return
	}
	for i, piece := range slices.Collect(slices.Chunk(a.Body, pieceSize)) {
		_, _ = w.Write(piece)
		_ = http.NewResponseController(w).Flush() // not every writer can
		if f.within && i*pieceSize >= len(a.Body)/2 {
			panic(http.ErrAbortHandler)
		}
	}
}

// pieceSize is how many bytes of an answer in pieces are sent together: few, and no divisor
// of what a reader takes at once.
const pieceSize = 7

func (s *Server) newCall(r *http.Request, body []byte) *Call {
	c := &Call{
		Method: r.Method, Path: r.URL.Path, Remote: r.RemoteAddr, Host: r.Host,
		Query: r.URL.Query(), Header: r.Header, Body: body,
		RequestID: fmt.Sprintf("00000000-0000-4000-8000-%012x", s.requests.Add(1)),
	}
	if c.Node = s.vendor.Node(c); c.Node == "" {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			c.Node = s.sources[from.Addr().Unmap()]
		}
	}
	c.Write = c.Method != http.MethodGet && c.Method != http.MethodHead
	if n, ok := s.vendor.(Namer); ok {
		c.Action, c.Write = n.Action(c)
	}
	c.Fault = s.script.take(c)
	return c
}

func (s *Server) arrive(c *Call) int64 {
	if s.model == nil {
		return 0
	}
	return s.model.Arrive(fakecloud.Entry{
		Node: c.Node, Remote: c.Remote, Method: c.Method, Path: c.Path, Action: c.Action,
		Body: strings.Join(strings.Fields(string(c.Body)), " "), Fault: c.Fault.Name,
		Write: c.Write, RequestID: c.RequestID,
	})
}

func (s *Server) finish(entry int64, c *Call, status int) {
	if s.model == nil {
		return
	}
	s.model.Answer(entry, fakecloud.Entry{
		Node: c.Node, Status: status, Fault: c.Fault.Name,
		Effect: c.Effect, RequestID: c.RequestID, Operation: c.Operation,
	})
}

// sleep waits for d and reports whether ctx lasted that long.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// cut ends the call without an answer, with a reset where the connection is TCP.
// It does not return.
func cut(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // without it the client sees an orderly end, not a reset
		}
		_ = conn.Close() // an error here means that it is closed already
	}
	panic(http.ErrAbortHandler)
}
