// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Remote is an [Interfaces] that somebody else plays: every call is one request to a
// [Machines] handler. It is for labs without the right to change this machine, where
// one process plays the interfaces of all nodes; nothing about it is authenticated.
//
//	POST /add /remove   {"node","addr","iface"}; 204, 201 if it was added, or 422 with {"error","foreign"}
//	POST /prepare       the same; whether an announcement can be made
//	POST /frame         the same and "reply"; one frame of an announcement leaves
//	GET  /local?node=N  [{"name","mac","addrs":[{"prefix","placed"}]}]
//	GET  /watch?node=N  an Event a line, until one side closes
type Remote struct {
	base *url.URL
	node string
	http *http.Client
}

var _ Interfaces = (*Remote)(nil)

// The bounds of one request.
const (
	remoteTimeout = 2 * time.Second
	remoteBodyMax = 1 << 20
)

// NewRemote returns the interfaces of a node as the handler at endpoint plays them. The
// endpoint is an http URL with a host and without a query.
func NewRemote(endpoint, node string) (*Remote, error) {
	base, err := url.Parse(endpoint)
	if err != nil || base.Scheme != "http" || base.Host == "" || base.RawQuery != "" {
		return nil, fmt.Errorf("guest endpoint %q: give an URL such as http://127.0.0.1:8080", endpoint)
	}
	return &Remote{base: base, node: node, http: &http.Client{Timeout: remoteTimeout, Transport: &http.Transport{}}}, nil
}

// remoteStep is the body of a request.
type remoteStep struct {
	Node  string     `json:"node"`
	Addr  netip.Addr `json:"addr"`
	Iface string     `json:"iface"`
	Reply bool       `json:"reply,omitempty"` // of a frame: the second one
}

// remoteError is the body of a refusal. The text is the whole error.
type remoteError struct {
	Text    string `json:"error"`
	Foreign bool   `json:"foreign,omitempty"` // it wraps ErrForeign
}

// Error returns the text.
func (e remoteError) Error() string { return e.Text }

// Is makes a refusal about an address of another origin an ErrForeign.
func (e remoteError) Is(target error) bool { return target == ErrForeign && e.Foreign }

// remoteLink is one interface in an answer.
type remoteLink struct {
	Name  string       `json:"name"`
	MAC   string       `json:"mac"`
	Addrs []remoteAddr `json:"addrs"`
}

type remoteAddr struct {
	Prefix netip.Prefix `json:"prefix"`
	Placed bool         `json:"placed"`
}

// AddHost implements [Interfaces].
func (r *Remote) AddHost(ctx context.Context, addr netip.Addr, iface string) (bool, error) {
	return r.change(ctx, "add", "to", addr, iface)
}

// RemoveHost implements [Interfaces].
func (r *Remote) RemoveHost(ctx context.Context, addr netip.Addr, iface string) error {
	_, err := r.change(ctx, "remove", "from", addr, iface)
	return err
}

// Announce implements [Interfaces]. A frame is sent by a request of its own, which is
// not given up: it could have left all the same.
func (r *Remote) Announce(ctx context.Context, addr netip.Addr, iface string, permit func() error) (int, error) {
	left := 0
	addr, err := request(ctx, addr, iface)
	if err == nil {
		_, err = r.post(ctx, "prepare", remoteStep{Addr: addr, Iface: iface})
	}
	if err == nil {
		left, err = leave(ctx, permit, func(i int) error {
			_, err := r.post(context.WithoutCancel(ctx), "frame", remoteStep{Addr: addr, Iface: iface, Reply: i > 0})
			return err
		})
	}
	if err != nil {
		return left, fmt.Errorf("announce %s on %s: %w", addr, iface, err)
	}
	return left, nil
}

// CanAnnounce implements [Interfaces]: the other side needs no capability.
func (r *Remote) CanAnnounce(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// change makes one change of what an interface has, and reports whether that added
// something.
func (r *Remote) change(ctx context.Context, verb, where string, addr netip.Addr, iface string) (added bool, err error) {
	addr, err = request(ctx, addr, iface)
	if err == nil {
		added, err = r.post(ctx, verb, remoteStep{Addr: addr, Iface: iface})
	}
	var refused remoteError
	if err != nil && !errors.As(err, &refused) {
		return false, fmt.Errorf("%s %s %s %s: %w", verb, addr, where, iface, err)
	}
	return added, err
}

// post makes one step, and reports whether it created something.
func (r *Remote) post(ctx context.Context, verb string, s remoteStep) (created bool, err error) {
	s.Node = r.node
	body, err := json.Marshal(s)
	if err != nil {
		return false, err
	}
	_, code, err := r.do(ctx, http.MethodPost, r.base.JoinPath(verb), bytes.NewReader(body))
	return code == http.StatusCreated, err
}

// do makes one request and returns the body and the code of a good answer.
func (r *Remote) do(ctx context.Context, method string, to *url.URL, body io.Reader) ([]byte, int, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, 0, err
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, remoteBodyMax))
	switch {
	case err != nil:
		return nil, 0, err
	case resp.StatusCode == http.StatusUnprocessableEntity:
		var refused remoteError
		if err := json.Unmarshal(answer, &refused); err != nil {
			return nil, 0, fmt.Errorf("read refusal: %w", err)
		}
		return nil, 0, refused
	case resp.StatusCode >= http.StatusMultipleChoices:
		return nil, 0, fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(answer)))
	}
	return answer, resp.StatusCode, nil
}

// links asks for every interface.
func (r *Remote) links(ctx context.Context) ([]remoteLink, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	to := r.base.JoinPath("local")
	to.RawQuery = url.Values{"node": {r.node}}.Encode()
	answer, _, err := r.do(ctx, http.MethodGet, to, nil)
	var links []remoteLink
	if err == nil {
		err = json.Unmarshal(answer, &links)
	}
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	return links, nil
}

// entries returns what the interface has.
func (l remoteLink) entries() []entry {
	var es []entry
	for _, a := range l.Addrs {
		es = append(es, entry{prefix: a.Prefix, marked: a.Placed})
	}
	return es
}

// lookups returns the interfaces as the look-ups see them.
func (r *Remote) lookups(ctx context.Context) ([]link, error) {
	links, err := r.links(ctx)
	var out []link
	for _, l := range links {
		seen := link{name: l.Name}
		for _, a := range l.Addrs {
			seen.addrs = append(seen.addrs, canonical(a.Prefix.Addr()))
		}
		out = append(out, seen)
	}
	return out, err
}

// Placed implements [Interfaces].
func (r *Remote) Placed(ctx context.Context, addr netip.Addr) ([]string, error) {
	links, err := r.links(ctx)
	var names []string
	for _, l := range links {
		if placed(l.entries(), canonical(addr)) {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	return names, err
}

// Local implements [Interfaces].
func (r *Remote) Local(ctx context.Context) ([]netip.Addr, error) {
	links, err := r.lookups(ctx)
	if err != nil {
		return nil, err
	}
	return local(links), nil
}

// InterfaceByAddress implements [Interfaces].
func (r *Remote) InterfaceByAddress(ctx context.Context, addr netip.Addr) (string, error) {
	links, err := r.lookups(ctx)
	if err != nil {
		return "", err
	}
	return byAddress(links, addr)
}
