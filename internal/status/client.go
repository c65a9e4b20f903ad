// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"
)

// Limits on what a client takes from a daemon.
const (
	snapshotBytesMax = 8 << 20         // 50 groups on 16 nodes are below 1 MiB
	eventBytesMax    = 256 << 10       // one event with a reason for each of 16 nodes is below 8 KiB
	statusTimeout    = 5 * time.Second // a snapshot and the head of an answer are ready made; longer means that the daemon hangs
)

// UnreachableError says that no daemon answers on a socket.
type UnreachableError struct {
	Path string
	Err  error
}

// Error names the socket and what to run instead.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("reach the daemon at %s: %v; see `systemctl status fipctl`, or read the cloud without a daemon: `fipctl status --direct`",
		e.Path, plainCause(e.Err))
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// plainCause says what the usual causes mean.
func plainCause(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such socket, the daemon does not run or the socket was removed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens, the daemon has died"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time, the daemon hangs"
	default:
		return err.Error()
	}
}

// PermissionError says that the caller may not use a socket. Group is the group
// that may, and empty when that cannot be told.
type PermissionError struct{ Path, Group string }

// Error names the socket, who may use it and what to do.
func (e *PermissionError) Error() string {
	if e.Group == "" {
		return fmt.Sprintf("reach the daemon at %s: permission denied; run the command as root, or for the status alone set control.reader.socket", e.Path)
	}
	return fmt.Sprintf("reach the daemon at %s: permission denied; run the command as root or as a member of group %q, or for the status alone set control.reader.socket", e.Path, e.Group)
}

// Client speaks to a daemon through its control socket. It is safe for
// concurrent use and needs no closing.
//
// Every method returns an *UnreachableError when no daemon answers and a
// *PermissionError when the caller may not ask.
type Client struct {
	path   string
	reader *Client // nil: none
	http   *http.Client
	now    func() time.Time
}

// NewClient returns a client for the socket at path. It connects at every call.
func NewClient(path string) *Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &Client{path: path, now: time.Now, http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives:     true,
		ResponseHeaderTimeout: statusTimeout,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		},
	}}}
}

// WithReader makes Status ask at a second socket, which only reads, when this process may
// not use the first. It returns c.
func (c *Client) WithReader(path string) *Client {
	c.reader = NewClient(path)
	return c
}

// Status returns the daemon's newest snapshot.
func (c *Client) Status(ctx context.Context) (Snapshot, error) {
	s, err := c.status(ctx)
	var denied *PermissionError
	if c.reader == nil || !errors.As(err, &denied) {
		return s, err
	}
	c.reader.now = c.now
	other, otherErr := c.reader.status(ctx)
	if errors.Is(otherErr, fs.ErrNotExist) {
		return s, err // there is no such socket: who may use the first is the news
	}
	return other, otherErr
}

func (c *Client) status(ctx context.Context) (Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	body, err := c.do(ctx, http.MethodGet, pathStatus, nil)
	if err != nil {
		return Snapshot{}, err
	}
	defer body.Close()
	var s Snapshot
	if err := json.NewDecoder(io.LimitReader(body, snapshotBytesMax)).Decode(&s); err != nil {
		return Snapshot{}, fmt.Errorf("read status from %s: %w", c.path, err)
	}
	if s.Version != SnapshotVersion {
		return Snapshot{}, fmt.Errorf("read status from %s: the daemon speaks version %d, this command %d; use the fipctl of the daemon", c.path, s.Version, SnapshotVersion)
	}
	if age := c.now().Sub(s.At); age > statusTimeout && s.Source == SourceDaemon {
		return s.Later(age).Still(age), nil // a daemon that does not know of it
	}
	return s, nil
}

// Assign moves a group; see Backend. Every event is passed to report, the final
// one included; report may be nil.
func (c *Client) Assign(ctx context.Context, r AssignRequest, report func(Event)) (Outcome, error) {
	return c.operate(ctx, pathAssign, r, report)
}

// Drain keeps the daemon's node out; see Backend and Assign.
func (c *Client) Drain(ctx context.Context, r DrainRequest, report func(Event)) (Outcome, error) {
	return c.operate(ctx, pathDrain, r, report)
}

// Resume lets the daemon's node take part again; see Backend and Assign.
func (c *Client) Resume(ctx context.Context, r ResumeRequest, report func(Event)) (Outcome, error) {
	return c.operate(ctx, pathResume, r, report)
}

func (c *Client) operate(ctx context.Context, path string, request any, report func(Event)) (Outcome, error) {
	document, err := json.Marshal(request)
	if err != nil {
		return Outcome{}, fmt.Errorf("write request: %w", err)
	}
	body, err := c.do(ctx, http.MethodPost, path, document)
	if err != nil {
		return Outcome{}, err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, eventBytesMax)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return Outcome{}, fmt.Errorf("read progress from %s: %w", c.path, err)
		}
		if report != nil {
			report(e)
		}
		if e.Code != nil {
			return Outcome{Code: *e.Code, Group: e.Group, Text: e.Text, Reason: e.Reason, Peers: e.Peers}, nil
		}
	}
	if err := context.Cause(ctx); err != nil {
		return Outcome{}, fmt.Errorf("wait for the daemon: %w; what was asked for may go on, see `fipctl status`", err)
	}
	return Outcome{}, c.lost()
}

// lost says that an operation's outcome will never be heard.
func (c *Client) lost() error {
	return fmt.Errorf("wait for the daemon at %s: it ended before the outcome was known; see `fipctl status`", c.path)
}

// do returns the body of a successful answer.
func (c *Client) do(ctx context.Context, method, path string, document []byte) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://fipctl"+path, bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		request.Header.Set(untilHeader, c.now().Add(statusTimeout).Format(time.RFC3339Nano))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.classify(ctx, method, err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	var p problem
	if json.NewDecoder(io.LimitReader(response.Body, eventBytesMax)).Decode(&p) == nil && p.Error != "" {
		return nil, errors.New(p.Error)
	}
	return nil, fmt.Errorf("ask the daemon at %s: it answers %s to %s %s; is it another program, or another version?", c.path, response.Status, method, path)
}

// classify names the cause of a request without an answer.
func (c *Client) classify(ctx context.Context, method string, err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return &PermissionError{Path: c.path, Group: groupOf(c.path)}
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("ask the daemon at %s: %w", c.path, context.Canceled)
	case errors.As(err, &op) && op.Op == "dial":
		return &UnreachableError{Path: c.path, Err: op.Err}
	case method == http.MethodPost && !errors.Is(err, context.DeadlineExceeded):
		return c.lost()
	default:
		return &UnreachableError{Path: c.path, Err: err}
	}
}

// groupOf returns the name of the group that a file belongs to, or its number.
func groupOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	gid := strconv.FormatUint(uint64(stat.Gid), 10)
	if g, err := user.LookupGroupId(gid); err == nil {
		return g.Name
	}
	return gid
}
