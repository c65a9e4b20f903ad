// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// Machines plays the interfaces of several nodes for their [Remote], by name. What
// listens to announcements is set by [Memory.OnAnnounce]. The map must not change
// while the handler is in use; the machines may.
type Machines map[string]*Memory

var _ http.Handler = Machines(nil)

// ServeHTTP answers the requests that Remote describes.
func (ms Machines) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/local":
		ms.list(w, r.URL.Query().Get("node"))
	case r.Method == http.MethodGet && r.URL.Path == "/watch":
		ms.watch(w, r)
	case r.Method == http.MethodPost && r.URL.Path == "/add":
		ms.step(w, r, func(ctx context.Context, m *Memory, s remoteStep) (bool, error) {
			return m.AddHost(ctx, s.Addr, s.Iface)
		})
	case r.Method == http.MethodPost && r.URL.Path == "/remove":
		ms.step(w, r, func(ctx context.Context, m *Memory, s remoteStep) (bool, error) {
			return false, m.RemoveHost(ctx, s.Addr, s.Iface)
		})
	case r.Method == http.MethodPost && r.URL.Path == "/prepare":
		ms.step(w, r, func(ctx context.Context, m *Memory, s remoteStep) (bool, error) {
			_, err := m.prepare(ctx, s.Addr, s.Iface)
			return false, err
		})
	case r.Method == http.MethodPost && r.URL.Path == "/frame":
		ms.step(w, r, func(_ context.Context, m *Memory, s remoteStep) (bool, error) {
			return false, m.send(Frame{Addr: s.Addr, Iface: s.Iface, Reply: s.Reply})
		})
	default:
		http.Error(w, "no such step", http.StatusNotFound)
	}
}

func (ms Machines) list(w http.ResponseWriter, node string) {
	m := ms[node]
	if m == nil {
		http.Error(w, "no machine of that name", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(m.remoteLinks()) // who asked may have gone away
}

// watch tells what happens on a machine, a line of JSON an event, until whoever asked
// goes away.
func (ms Machines) watch(w http.ResponseWriter, r *http.Request) {
	m := ms[r.URL.Query().Get("node")]
	if m == nil {
		http.Error(w, "no machine of that name", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines, flush := json.NewEncoder(w), http.NewResponseController(w)
	_ = m.Watch(r.Context(), func(e Event) {
		_ = lines.Encode(e) // as above
		_ = flush.Flush()
	})
}

// step makes one change on the machine that the request names.
func (ms Machines) step(w http.ResponseWriter, r *http.Request, do func(context.Context, *Memory, remoteStep) (created bool, err error)) {
	var s remoteStep
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, remoteBodyMax)).Decode(&s); err != nil {
		http.Error(w, "read step: "+err.Error(), http.StatusBadRequest)
		return
	}
	m := ms[s.Node]
	if m == nil {
		http.Error(w, "no machine of that name", http.StatusNotFound)
		return
	}
	created, err := do(r.Context(), m, s)
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(remoteError{Text: err.Error(), Foreign: errors.Is(err, ErrForeign)}) // as above
		return
	}
	if created {
		w.WriteHeader(http.StatusCreated)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// remoteLinks returns every interface with what it has.
func (m *Memory) remoteLinks() []remoteLink {
	m.mu.Lock()
	defer m.mu.Unlock()
	links := make([]remoteLink, 0, len(m.links))
	for _, l := range m.links {
		out := remoteLink{Name: l.Name, MAC: l.MAC, Addrs: []remoteAddr{}}
		entries, _ := m.entries(l.Name)
		for _, e := range entries {
			out.Addrs = append(out.Addrs, remoteAddr{Prefix: e.prefix, Placed: e.marked})
		}
		links = append(links, out)
	}
	return links
}
