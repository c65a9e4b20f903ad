// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package face

import (
	"fmt"
	"path"
	"strings"
	"sync"
)

// Match selects calls. An empty field matches everything.
type Match struct {
	Method string
	Action string // as the vendor names it, see Namer
	Path   string // a pattern as of path.Match; with "/..." at the end also everything below
	Node   string
	Reads  bool // only calls that ask for no change
	Writes bool // only calls that ask for one
}

// matches reports whether m selects c.
func (m Match) matches(c *Call) bool {
	return (m.Method == "" || m.Method == c.Method) &&
		(m.Node == "" || m.Node == c.Node) &&
		(!m.Reads || !c.Write) &&
		(!m.Writes || c.Write) &&
		(m.Action == "" || m.Action == c.Action) &&
		(m.Path == "" || matchPath(m.Path, c.Path))
}

func matchPath(pattern, p string) bool {
	if above, ok := strings.CutSuffix(pattern, "/..."); ok {
		// Compare as many segments as the pattern has.
		segments, want := strings.Split(p, "/"), strings.Count(above, "/")+1
		if len(segments) < want {
			return false
		}
		pattern, p = above, strings.Join(segments[:want], "/")
	}
	ok, _ := path.Match(pattern, p) // bad patterns were refused by add
	return ok
}

// script holds the faults to come.
type script struct {
	mu    sync.Mutex
	lines []*line
}

type line struct {
	on    Match
	do    Fault
	times int // left; zero: standing
}

// add appends a line and returns what removes it. It panics on a bad pattern: the
// test that wrote it would otherwise wait for a fault that never comes.
func (s *script) add(on Match, do Fault, times int) (clear func()) {
	if _, err := path.Match(strings.TrimSuffix(on.Path, "/..."), ""); err != nil || times < 0 {
		panic(fmt.Sprintf("face: inject %q on path %q %d times: bad pattern or count", do.Name, on.Path, times))
	}
	l := &line{on, do, times}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, l)
	return func() { s.remove(l) }
}

func (s *script) remove(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(l)
}

func (s *script) removeLocked(l *line) {
	for i, other := range s.lines {
		if other == l {
			s.lines = append(s.lines[:i:i], s.lines[i+1:]...)
			return
		}
	}
}

func (s *script) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = nil
}

// take returns the fault for c, the first that matches, and uses it up.
func (s *script) take(c *Call) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if !l.on.matches(c) {
			continue
		}
		if l.times == 1 {
			s.removeLocked(l)
		} else if l.times > 1 {
			l.times--
		}
		return l.do
	}
	return Fault{}
}
