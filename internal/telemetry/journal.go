// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package telemetry

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

// JournalSocket is where journald takes entries (systemd.io, "Native Journal Protocol").
const JournalSocket = "/run/systemd/journal/socket"

// UnderJournal reports whether standard error goes to the journal: JOURNAL_STREAM names
// its device and inode. A variable that only was inherited names another file.
func UnderJournal() bool {
	yes, err := journal.StderrIsJournalStream()
	return yes && err == nil
}

// Journal is a handler that makes entries of the journal: MESSAGE is a short sentence,
// PRIORITY follows from the level, and each attribute is a field FIPCTL_KEY. What the
// socket does not take at once goes to another handler.
type Journal struct {
	level    slog.Leveler
	send     func([]byte) error
	fallback slog.Handler
	attrs    []slog.Attr
	prefix   string // of the keys, from groups
}

// NewJournal returns a handler for what is at least as important as level. It opens a
// socket, which it keeps. Fallback gets what cannot be sent to the socket at path.
func NewJournal(path string, level slog.Leveler, fallback slog.Handler) *Journal {
	return &Journal{level: level, send: sender(path), fallback: fallback}
}

// sender returns a function that sends one entry or fails at once. The journal package's
// own Send waits where journald stands still, and turns a processor meanwhile: each try
// frees the buffer it took, which wakes the one that waits for room.
func sender(path string) func([]byte) error {
	var raw syscall.RawConn
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram"})
	if err == nil {
		raw, err = conn.SyscallConn()
	}
	to := &syscall.SockaddrUnix{Name: path}
	return func(entry []byte) error {
		if err != nil {
			return fmt.Errorf("open socket for the journal: %w", err)
		}
		var failed error
		if err := raw.Control(func(fd uintptr) {
			failed = syscall.Sendto(int(fd), entry, syscall.MSG_DONTWAIT, to)
		}); err != nil {
			return err
		}
		return failed
	}
}

// Enabled reports whether the level is important enough.
func (j *Journal) Enabled(_ context.Context, l slog.Level) bool { return l >= j.level.Level() }

// WithAttrs returns a handler that adds as to each record.
func (j *Journal) WithAttrs(as []slog.Attr) slog.Handler {
	next := *j
	next.attrs = slices.Clone(j.attrs)
	for _, a := range as {
		next.attrs = append(next.attrs, flat(j.prefix, a)...)
	}
	next.fallback = j.fallback.WithAttrs(as)
	return &next
}

// WithGroup returns a handler that puts name before the keys that follow.
func (j *Journal) WithGroup(name string) slog.Handler {
	next := *j
	next.prefix += name + "_"
	next.fallback = j.fallback.WithGroup(name)
	return &next
}

// Handle sends one entry. It waits for nothing, unless fallback does.
func (j *Journal) Handle(ctx context.Context, r slog.Record) error {
	attrs := slices.Clone(j.attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, flat(j.prefix, a)...)
		return true
	})
	var b bytes.Buffer
	field(&b, "MESSAGE", sentence(r.Message, attrs))
	field(&b, "PRIORITY", strconv.Itoa(int(priority(r.Level))))
	field(&b, "SYSLOG_IDENTIFIER", "fipctl")
	field(&b, "FIPCTL_EVENT", r.Message)
	field(&b, "FIPCTL_TIME", r.Time.UTC().Format(time.RFC3339Nano)) // an entry may have waited
	for _, a := range attrs {
		field(&b, fieldName(a.Key), text(a.Value))
	}
	if j.send(b.Bytes()) != nil {
		return j.fallback.Handle(ctx, r)
	}
	return nil
}

func priority(l slog.Level) journal.Priority {
	switch {
	case l >= slog.LevelError:
		return journal.PriErr
	case l >= slog.LevelWarn:
		return journal.PriWarning
	case l >= slog.LevelInfo:
		return journal.PriInfo
	default:
		return journal.PriDebug
	}
}

// flat returns an attribute with its value resolved, a group as its members.
func flat(prefix string, a slog.Attr) []slog.Attr {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() != slog.KindGroup {
		a.Key = prefix + a.Key
		return []slog.Attr{a}
	}
	if a.Key != "" {
		prefix += a.Key + "_"
	}
	var as []slog.Attr
	for _, member := range a.Value.Group() {
		as = append(as, flat(prefix, member)...)
	}
	return as
}

// fieldName returns the key as the journal takes it: capitals, digits and underscores,
// at most 64.
func fieldName(key string) string {
	name := "FIPCTL_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, key)
	return name[:min(len(name), 64)]
}

// field adds a field: a line, or where the value has several its length before it.
func field(b *bytes.Buffer, name, value string) {
	b.WriteString(name)
	if !strings.ContainsRune(value, '\n') {
		b.WriteString("=" + value + "\n")
		return
	}
	b.WriteByte('\n')
	b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(value))))
	b.WriteString(value + "\n")
}

// text returns a value for people.
func text(v slog.Value) string {
	switch v.Kind() {
	case slog.KindDuration:
		return Short(v.Duration())
	case slog.KindTime:
		return v.Time().UTC().Format(time.RFC3339)
	default:
		return v.String()
	}
}

// Short returns a duration in milliseconds or seconds, with at most three digits after
// the point. time.ParseDuration reads it.
func Short(d time.Duration) string {
	unit, name := time.Second, "s"
	if d > -time.Second && d < time.Second {
		unit, name = time.Millisecond, "ms"
	}
	number := strconv.FormatFloat(float64(d)/float64(unit), 'f', 3, 64)
	number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	return number + name
}

// spoken are the attributes that the sentence tells, and how: before the message, right
// after it, as a pair, or after a colon at its end. Others are fields only.
var spoken = map[string]func(s *speech, key, value string){
	"group": func(s *speech, _, v string) { s.head += v + ": " },
	"code":  func(s *speech, _, v string) { s.body += " " + v },
	"from":  func(s *speech, k, v string) { s.body += " " + k + " " + v },
	"to":    func(s *speech, k, v string) { s.body += " " + k + " " + v },
	"text":  func(s *speech, _, v string) { s.tail += ": " + v }, "error": func(s *speech, _, v string) { s.tail += ": " + v },
	"problem": func(s *speech, _, v string) { s.tail += ": " + v }, "panic": func(s *speech, _, v string) { s.tail += ": " + v },
	"address": pair, "at_most": pair, "by": pair, "check": pair, "gap": pair, "kind": pair, "lines": pair, "node": pair, "op": pair, "path": pair,
	"peer": pair, "provider": pair, "reason": pair, "signal": pair, "since": pair, "state": pair, "step": pair, "target": pair,
	"term": pair, "took": pair, "version": pair,
}

// speech is a sentence in the making.
type speech struct{ head, body, tail string }

func pair(s *speech, key, value string) {
	s.body += ", " + strings.ReplaceAll(key, "_", " ") + " " + value
}

// sentence returns what happened in one line: "web: role changed from backup to active,
// reason owner-silent, term 4".
func sentence(message string, attrs []slog.Attr) string {
	s := &speech{body: message}
	for _, a := range attrs {
		value := text(a.Value)
		if tell := spoken[a.Key]; tell != nil && value != "" {
			tell(s, a.Key, value)
		}
	}
	return strings.ReplaceAll(s.head+s.body+s.tail, "\n", " ")
}
