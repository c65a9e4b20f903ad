// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	lineMax   = 64 << 10 // bytes of one line of a process's output that are kept
	tailLines = 40       // lines kept to be shown when a scenario fails
	killWait  = 5 * time.Second
	// serviceWait is the end of hope for an answer of a service, which comes at once where
	// the machine has time.
	serviceWait = 30 * time.Second
)

// process is one operating system process of the lab, in a group of its own so
// that a Ctrl-C on the terminal reaches the lab alone. It dies with the lab.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser // its standard input, if asked for
	done chan struct{}  // closed when it has ended and all its output was read
	err  error          // how it ended; after done

	mu   sync.Mutex
	tail []string
}

// command is what to start.
type command struct {
	name  string // for messages: "lb-a" or "lb-a's service"
	path  string
	args  []string
	env   []string // added to a small fixed environment
	stdin bool
	line  func(string) // called for every line it writes, to either output
}

// start runs c. The process ends at the latest when the lab does.
func (c command) start() (*process, error) {
	p := &process{name: c.name, done: make(chan struct{})}
	p.cmd = exec.Command(c.path, c.args...)
	// Nothing of the user's environment: a token or a proxy in there must not
	// change what the lab shows.
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, c.env...)
	p.cmd.SysProcAttr = childAttributes()
	lines := &lineWriter{line: func(s string) {
		p.keep(s)
		if c.line != nil {
			c.line(s)
		}
	}}
	p.cmd.Stdout, p.cmd.Stderr = lines, lines
	// An orphan of the child may hold the pipes open; do not wait for it for ever.
	p.cmd.WaitDelay = time.Second
	if c.stdin {
		in, err := p.cmd.StdinPipe()
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", c.name, err)
		}
		p.in = in
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		lines.flush()
		close(p.done)
	}()
	return p, nil
}

// signal sends s to the process. One that has ended already is no error.
func (p *process) signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = p.cmd.Process.Signal(s) // it ended in between
	}
}

// kill ends the process and whatever it started, at once.
func (p *process) kill() {
	select {
	case <-p.done:
		return
	default:
	}
	killGroup(p.cmd.Process)
	select {
	case <-p.done:
	case <-time.After(killWait):
	}
}

// wait waits until the process has ended by itself and returns how.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w", p.name, context.Cause(ctx))
	}
}

// alive reports whether the process still runs.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tail = append(p.tail, line)
	if len(p.tail) > tailLines {
		p.tail = slices.Delete(p.tail, 0, len(p.tail)-tailLines)
	}
}

// lastLines returns the newest lines the process wrote.
func (p *process) lastLines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tail)
}

// lineWriter hands on what is written to it line by line, cut at lineMax.
type lineWriter struct {
	line func(string)
	mu   sync.Mutex
	part []byte
}

// Write never fails: a process must not notice how its output is read.
func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := b; len(rest) > 0; {
		text, after, whole := bytes.Cut(rest, []byte{'\n'})
		if room := lineMax - len(w.part); len(text) > room {
			text = text[:room]
		}
		w.part = append(w.part, text...)
		if whole {
			w.emit()
		}
		rest = after
	}
	return len(b), nil
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.part) > 0 {
		w.emit()
	}
}

func (w *lineWriter) emit() {
	w.line(strings.TrimRight(string(w.part), "\r"))
	w.part = w.part[:0]
}

// service is a node's service with its remote control.
type service struct {
	*process
	answers chan string
}

// startService runs the service of a node, by the node's way to start a process, and
// waits until it listens.
func startService(ctx context.Context, executable, node, at string, start func(command) (*process, error)) (*service, error) {
	s := &service{answers: make(chan string, 4)}
	c := command{name: node + "'s service", path: executable, stdin: true, env: []string{serviceEnv + "=" + node + "@" + at}}
	c.line = func(line string) {
		select {
		case s.answers <- line:
		default: // nobody asked: an error text, kept in the tail
		}
	}
	var err error
	if s.process, err = start(c); err != nil {
		return nil, err
	}
	if err := s.expect(ctx, serviceListening); err != nil {
		s.kill()
		return nil, err
	}
	return s, nil
}

// do makes the service stop or start to listen.
func (s *service) do(ctx context.Context, order, answer string) error {
	if _, err := fmt.Fprintln(s.in, order); err != nil {
		return fmt.Errorf("%s %s: %w", order, s.name, err)
	}
	return s.expect(ctx, answer)
}

func (s *service) expect(ctx context.Context, want string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, serviceWait, fmt.Errorf("no answer within %s", serviceWait))
	defer cancel()
	select {
	case got := <-s.answers:
		if got != want {
			return fmt.Errorf("%s: answered %q instead of %q", s.name, got, want)
		}
		return nil
	case <-s.done:
		return fmt.Errorf("%s ended: %v", s.name, s.err)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", s.name, context.Cause(ctx))
	}
}
