// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// proc writes a /proc with the given processes and returns its root.
func proc(t *testing.T, processes map[string]struct{ stat, cmdline string }) string {
	t.Helper()
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(root, "uptime"), "1 1")
	write(filepath.Join(root, "sys", "stat"), "9 (sys) S 1")
	for pid, p := range processes {
		write(filepath.Join(root, pid, "stat"), p.stat)
		write(filepath.Join(root, pid, "cmdline"), p.cmdline)
	}
	return root
}

func TestProcess(t *testing.T) {
	t.Parallel()
	root := proc(t, map[string]struct{ stat, cmdline string }{
		"1":  {"1 (systemd) S 0 1", "/sbin/init\x00"},
		"2":  {"2 (kthreadd) S 0 0", ""},
		"40": {"40 (nginx) S 1 40", "nginx: master process /usr/sbin/nginx\x00"},
		"41": {"41 (node_exporter_w) R 1 41", "/opt/node_exporter_with_long_name\x00--web\x00"},
		"42": {"42 (odd) name (x) S 1 42", "odd\x00"},
		"43": {"43 (haproxy) Z 1 43", "haproxy\x00"},
		"44": {"44 (python3) S 1 44", "python3\x00/opt/keeper\x00"},
		"45": {"45 (broken", "redis\x00"},
		"46": {"46 (dead) X 1 46", "dead\x00"},
	})
	tests := []struct {
		name    string
		process string
		text    string
		err     string
	}{
		{"is found by the kernel's name", "nginx", "process nginx runs as 40", ""},
		{"is found by its first argument", "init", "process init runs as 1", ""},
		{"with a long name is found by its first argument", "node_exporter_with_long_name", "process node_exporter_with_long_name runs as 41", ""},
		{"may have parentheses and blanks in its name", "odd) name (x", "process odd) name (x runs as 42", ""},
		{"that is a zombie does not run", "haproxy", "", "find process haproxy: none of 9 is running under that name"},
		{"that is dead does not run", "dead", "", "find process dead: none of 9 is running under that name"},
		{"is not found by a part of its name", "ngin", "", "find process ngin: none of 9 is running under that name"},
		{"is not found by a later argument", "keeper", "", "find process keeper: none of 9 is running under that name"},
		{"that ends while it is read is skipped", "redis", "", "find process redis: none of 9 is running under that name"},
		{"is not found among other files of proc", "sys", "", "find process sys: none of 9 is running under that name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text, err := Process{Name: tt.process, Root: root}.Ask(t.Context(), Values{})
			if diff := cmp.Diff([]string{tt.text, tt.err}, []string{text, errText(err)}); diff != "" {
				t.Errorf("text and error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProcessFindsItself(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system has no /proc")
	}
	name := filepath.Base(os.Args[0])
	if _, err := (Process{Name: name}).Ask(t.Context(), Values{}); err != nil {
		t.Error(err)
	}
}

func TestProcessWithoutProcIsAnError(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	_, err := Process{Name: "x", Root: root}.Ask(t.Context(), Values{})
	want := "list processes: " + root + " shows no process; this says nothing of the service: mount proc where the daemon sees it"
	if diff := cmp.Diff(want, errText(err)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// TestAProcessThatIsHiddenIsNotSaidToBeMissing plays hidepid=2 and ProtectProc=invisible.
func TestAProcessThatIsHiddenIsNotSaidToBeMissing(t *testing.T) {
	t.Parallel()
	own := struct{ stat, cmdline string }{"40 (fipctl) S 1 40", "fipctl\x00"}
	root := proc(t, map[string]struct{ stat, cmdline string }{"40": own})
	_, err := Process{Name: "nginx", Root: root}.Ask(t.Context(), Values{})
	want := "find process nginx: none of the 1 that may be seen has that name; this says nothing of the service: " +
		"processes of other users are hidden; take hidepid off /proc, or ProtectProc and ProcSubset out of the daemon's unit"
	if diff := cmp.Diff(want, errText(err)); diff != "" || !errors.Is(err, ErrInconclusive) {
		t.Errorf("inconclusive %v, error (-want +got):\n%s", errors.Is(err, ErrInconclusive), diff)
	}
	if _, err := (Process{Name: "fipctl", Root: root}).Ask(t.Context(), Values{}); err != nil {
		t.Errorf("one that is seen: %v", err)
	}
}

func TestProcessEndsWithItsContext(t *testing.T) {
	t.Parallel()
	root := proc(t, map[string]struct{ stat, cmdline string }{"1": {"1 (nginx) S 0 1", ""}})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(timeoutError{1e9})
	_, err := Process{Name: "nginx", Root: root}.Ask(ctx, Values{})
	if diff := cmp.Diff("find process nginx: timed out after 1s", errText(err)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// errText returns the text of err, "" for none.
func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
