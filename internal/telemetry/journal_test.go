// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package telemetry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// journald is a socket that takes entries as journald does.
func journald(t *testing.T) (path string, l *net.UnixConn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "fip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "s")
	if l, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return path, l
}

// entry reads one entry: its fields but for the time.
func entry(t *testing.T, l *net.UnixConn) map[string]string {
	t.Helper()
	b := make([]byte, 1<<16)
	_ = l.SetReadDeadline(time.Now().Add(30 * time.Second))
	n, err := l.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for b = b[:n]; len(b) > 0; {
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		name, value, short := strings.Cut(string(line), "=")
		if !short {
			size := binary.LittleEndian.Uint64(rest)
			value, rest = string(rest[8:8+size]), rest[8+size+1:]
		}
		fields[name] = value
		b = rest
	}
	if _, err := time.Parse(time.RFC3339Nano, fields["FIPCTL_TIME"]); err != nil {
		t.Error(err)
	}
	delete(fields, "FIPCTL_TIME")
	return fields
}

func TestALineIsAnEntryOfTheJournal(t *testing.T) {
	t.Parallel()
	path, l := journald(t)
	var elsewhere bytes.Buffer
	log := slog.New(NewJournal(path, slog.LevelInfo, slog.NewTextHandler(&elsewhere, nil)))
	for _, tt := range []struct {
		name string
		log  func()
		want map[string]string
	}{
		{"a transition", func() {
			log.Info("role changed", "group", "web", "from", "backup", "to", "active", "reason", "owner-silent", "term", uint64(4))
		}, map[string]string{"MESSAGE": "web: role changed from backup to active, reason owner-silent, term 4", "PRIORITY": "6",
			"FIPCTL_EVENT": "role changed", "FIPCTL_GROUP": "web", "FIPCTL_FROM": "backup", "FIPCTL_TO": "active",
			"FIPCTL_REASON": "owner-silent", "FIPCTL_TERM": "4"}},
		{"a move in two calls", func() {
			log.Info("address bound", "group", "web", "term", uint64(4), "took", "1.2s", "gap", "310ms")
		}, map[string]string{"MESSAGE": "web: address bound, term 4, took 1.2s, gap 310ms", "PRIORITY": "6", "FIPCTL_EVENT": "address bound",
			"FIPCTL_GROUP": "web", "FIPCTL_TERM": "4", "FIPCTL_TOOK": "1.2s", "FIPCTL_GAP": "310ms"}},
		{"a condition", func() {
			log.Warn("condition", "group", "", "code", "metadata-unreadable", "text", "who this machine is is not known")
		}, map[string]string{"MESSAGE": "condition metadata-unreadable: who this machine is is not known", "PRIORITY": "4",
			"FIPCTL_EVENT": "condition", "FIPCTL_GROUP": "", "FIPCTL_CODE": "metadata-unreadable", "FIPCTL_TEXT": "who this machine is is not known"}},
		{"an error of several lines, with attributes from before and a group", func() {
			log.With("op", "assign").WithGroup("x-y").Error("write failed", "error", errors.New("two\nlines"), slog.Group("g", "took", 1234567891*time.Nanosecond))
		}, map[string]string{"MESSAGE": "write failed, op assign", "PRIORITY": "3", "FIPCTL_EVENT": "write failed",
			"FIPCTL_OP": "assign", "FIPCTL_X_Y_ERROR": "two\nlines", "FIPCTL_X_Y_G_TOOK": "1.235s"}},
		{"a time and what the sentence leaves out", func() {
			log.Warn("lines of the log were lost", "lines", 7, "since", time.Unix(0, 0), "request_id", "4f2c")
		}, map[string]string{"MESSAGE": "lines of the log were lost, lines 7, since 1970-01-01T00:00:00Z", "PRIORITY": "4",
			"FIPCTL_EVENT": "lines of the log were lost", "FIPCTL_LINES": "7", "FIPCTL_SINCE": "1970-01-01T00:00:00Z", "FIPCTL_REQUEST_ID": "4f2c"}},
	} {
		log.Debug("not important enough")
		tt.log()
		tt.want["SYSLOG_IDENTIFIER"] = "fipctl"
		if diff := cmp.Diff(tt.want, entry(t, l)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if elsewhere.Len() > 0 {
		t.Errorf("elsewhere: %s", elsewhere.String())
	}
}

// TestWhatTheJournalDoesNotTakeGoesElsewhere: a journal that is away, and one whose queue
// is full because it stands still. Nothing waits for it.
func TestWhatTheJournalDoesNotTakeGoesElsewhere(t *testing.T) {
	t.Parallel()
	path, l := journald(t)
	var elsewhere bytes.Buffer
	log := slog.New(NewJournal(path, slog.LevelDebug, slog.NewTextHandler(&elsewhere, nil)))
	sent := 0
	for ; elsewhere.Len() == 0 && sent < 100_000; sent++ {
		log.With("op", "x").Info("a", "took", time.Second)
	}
	if !strings.HasSuffix(elsewhere.String(), " level=INFO msg=a op=x took=1s\n") {
		t.Fatalf("after %d entries that nobody reads, elsewhere: %q", sent, elsewhere.String())
	}
	for range sent - 1 {
		entry(t, l)
	}
	log.Info("b")
	if got := entry(t, l)["MESSAGE"]; got != "b" {
		t.Errorf("the first entry after that is %q", got)
	}
	l.Close()
	elsewhere.Reset()
	log.WithGroup("g").Info("c", "d", 1)
	if !strings.HasSuffix(elsewhere.String(), " level=INFO msg=c g.d=1\n") {
		t.Errorf("without a journal, elsewhere: %q", elsewhere.String())
	}
}

func TestTwoHandlersOfOneDoNotShareAttributes(t *testing.T) {
	t.Parallel()
	path, l := journald(t)
	log := slog.New(NewJournal(path, slog.LevelInfo, slog.DiscardHandler))
	for i := range 3 { // whichever has room for one more in its array
		log = log.With(fmt.Sprint("a", i), i)
		one, other := log.With("term", 1), log.With("term", 2)
		for want, log := range map[string]*slog.Logger{"1": one, "2": other} {
			log.Info("x")
			if got := entry(t, l)["FIPCTL_TERM"]; got != want {
				t.Errorf("with %d attributes before: term %s, want %s", i+1, got, want)
			}
		}
	}
}

func TestTheNameOfAFieldIsBounded(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int{57: 64, 58: 64, 3: 10} {
		if got := fieldName(strings.Repeat("k", size)); got != "FIPCTL_"+strings.Repeat("K", want-7) {
			t.Errorf("%d characters: %s has %d, want %d", size, got, len(got), want)
		}
	}
}

func TestJournalStreamNamesTheFileBehindStandardError(t *testing.T) {
	var s syscall.Stat_t
	if err := syscall.Fstat(2, &s); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{
		"": false, "nonsense": false,
		fmt.Sprintf("%d:%d", s.Dev, s.Ino):   true,
		fmt.Sprintf("%d:%d", s.Dev, s.Ino+1): false,
		fmt.Sprintf("%d:%d", s.Dev+1, s.Ino): false,
	} {
		t.Setenv("JOURNAL_STREAM", value)
		if got := UnderJournal(); got != want {
			t.Errorf("JOURNAL_STREAM=%q: %v", value, got)
		}
	}
}

func TestADurationHasThreeDigitsAfterThePoint(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0ms", 420 * time.Millisecond: "420ms", 1234567: "1.235ms", 1: "0ms", 999_999_999: "1000ms", time.Second: "1s",
		1234567891: "1.235s", 90 * time.Second: "90s", 100 * time.Millisecond: "100ms", -1500 * time.Millisecond: "-1.5s",
	} {
		if got := Short(d); got != want {
			t.Errorf("Short(%d) = %q, want %q", d, got, want)
		}
		if _, err := time.ParseDuration(Short(d)); err != nil {
			t.Error(err)
		}
	}
}
