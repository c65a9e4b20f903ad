// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/fipctl/fipctl/internal/serve"
)

// The paths of the control protocol.
const (
	pathStatus = "/v1/status"
	pathAssign = "/v1/assign"
	pathDrain  = "/v1/drain"
	pathResume = "/v1/resume"
)

// untilHeader says until when the caller of an operation waits for the head of the answer, by
// the clock of the machine (RFC 3339). Then he is told that the daemon hangs, so the operation
// must not begin later: in a daemon that was stopped, say, and goes on.
const untilHeader = "Fipctl-Until"

// Limits of the control protocol. Local callers are trusted to mean well, not to
// be free of bugs: a script in a loop must not starve the daemon (invariant 12).
const (
	requestBytesMax = 4 << 10          // the largest valid request is below 300 bytes
	connectionsMax  = 32               // of each socket; see package serve
	operationsMax   = 4                // further ones are refused at once
	operationMax    = 10 * time.Minute // an operation that takes longer has lost its caller's interest
	writeTimeout    = 5 * time.Second  // for one event or one document
)

// NewServer returns a server of the control protocol for l. It starts nothing; Run closes
// l, which removes the socket.
func NewServer(l net.Listener, b Backend, log *slog.Logger) *serve.Server {
	return serve.New(serve.Config{Name: "control socket", Listener: l, Handler: Handler(b, log), Connections: connectionsMax, Body: requestBytesMax, Log: log})
}

// NewReader returns a server like NewServer's that answers with snapshots and knows no
// operation, so that whoever may only look needs no right to act.
func NewReader(l net.Listener, b Backend, log *slog.Logger) *serve.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathStatus, (&handler{backend: b}).status)
	mux.HandleFunc("POST /", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "this socket shows the status and takes no commands; use the one that control.socket names")
	})
	return serve.New(serve.Config{Name: "status socket", Listener: l, Handler: mux, Connections: connectionsMax, Log: log})
}

// Handler returns the control protocol in front of b: GET /v1/status answers one
// snapshot; POST /v1/assign, /v1/drain and /v1/resume answer a stream of events,
// one JSON document a line. Requests that do not fit are answered with
// {"error": text} and a 4xx status. Every operation is logged with its caller.
func Handler(b Backend, log *slog.Logger) http.Handler {
	h := &handler{backend: b, log: log, slots: make(chan struct{}, operationsMax)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathStatus, h.status)
	mux.Handle("POST "+pathAssign, operation(h, "assign", b.Assign))
	mux.Handle("POST "+pathDrain, operation(h, "drain", b.Drain))
	mux.Handle("POST "+pathResume, operation(h, "resume", b.Resume))
	return mux
}

type handler struct {
	backend Backend
	log     *slog.Logger
	slots   chan struct{} // one token per running operation
}

func (h *handler) status(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, h.backend.Snapshot())
}

// operation makes the handler of one operation from the backend's method.
func operation[R any](h *handler, name string, run func(context.Context, R, func(Event)) Outcome) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request R
		if err := decode(r, &request); err != nil {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("%s: %v; the command line and the daemon may be of different versions", name, err))
			return
		}
		if until, err := time.Parse(time.RFC3339Nano, r.Header.Get(untilHeader)); err == nil && time.Now().After(until) {
			refuse(w, http.StatusRequestTimeout, fmt.Sprintf("%s: whoever asked does not wait any more; nothing was done", name))
			h.log.Warn("operator request came too late, nothing was done", "op", name, "caller", r.RemoteAddr, "request", request)
			return
		}
		select {
		case h.slots <- struct{}{}:
			defer func() { <-h.slots }()
		default:
			refuse(w, http.StatusTooManyRequests, fmt.Sprintf("%s: %d operations are already under way; wait for them to end", name, operationsMax))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), operationMax)
		defer cancel()
		log := h.log.With("op", name, "caller", r.RemoteAddr)
		log.Info("operator request", "request", request)
		stream := newStream(w)
		outcome := run(ctx, request, stream.send)
		stream.send(outcome.Event())
		log.Info("operator request ended", "code", int(outcome.Code), "reason", outcome.Reason, "text", outcome.Text)
	})
}

// decode reads one JSON document. Unknown fields are refused: a daemon that does
// not know of, say, a dry run must not act as if it had not been asked for one.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read request: more than one document")
	}
	return nil
}

// stream writes events as they come.
type stream struct {
	encoder    *json.Encoder
	controller *http.ResponseController
}

// newStream answers at once that the request was taken, so that a client can
// tell a daemon that works from one that hangs.
func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "application/x-ndjson")
	s := &stream{encoder: json.NewEncoder(w), controller: http.NewResponseController(w)}
	_ = s.controller.SetWriteDeadline(time.Now().Add(writeTimeout))
	_ = s.controller.Flush()
	return s
}

// send drops what cannot be delivered: the caller has gone, which also ends the
// operation's context, and the log keeps the outcome.
func (s *stream) send(e Event) {
	if e.At.IsZero() {
		e.At = time.Now().UTC()
	}
	_ = s.controller.SetWriteDeadline(time.Now().Add(writeTimeout))
	if s.encoder.Encode(e) == nil {
		_ = s.controller.Flush()
	}
}

// problem is the answer to a request that was not carried out.
type problem struct {
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, code int, text string) {
	respond(w, code, problem{Error: text})
}

func respond(w http.ResponseWriter, code int, document any) {
	w.Header().Set("Content-Type", "application/json")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(document)
}
