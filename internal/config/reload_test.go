// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAReloadRefusesWhatTakesARestart(t *testing.T) {
	t.Parallel()
	const all = "log: {level: info}\nlisten: 0.0.0.0:7112\nstate_dir: /var/lib/fipctl\nmetrics: {listen: none}\n" +
		"control: {mode: 0660, socket: /run/fipctl/fipctl.sock, group: ops, reader: {socket: /run/r, mode: 0666, group: mon}}\n" + good
	tests := []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"the log level", "level: info", "level: debug", ""},
		{"a peer's address", "10.0.4.21", "10.0.4.31", ""},
		{"a check", "/healthz", "/ready", ""},
		{"a priority", "110", "120", ""},
		{"the advert interval", "  id: web\n", "  id: web\n  advert_interval: 2s\n", ""},
		{"the cluster id", "id: web", "id: edge", "cluster.id: changes from web to edge"},
		{"the node", "log:", "node: lb-b\nlog:", "node: changes from lb-a to lb-b"},
		{"the own address", "10.0.4.20", "10.0.4.30", "nodes: changes from lb-a 10.0.4.20:7112 to lb-a 10.0.4.30:7112"},
		{"listen", "listen: 0.0.0.0", "listen: 10.0.4.20", "listen: changes from 0.0.0.0:7112 to 10.0.4.20:7112"},
		{"the socket", "fipctl.sock", "other.sock", "control.socket: changes from /run/fipctl/fipctl.sock to /run/fipctl/other.sock"},
		{"the socket's mode", "0660", "0600", "control.mode: changes from 0660 to 0600"},
		{"the socket's group", ", group: ops", "", "control.group: changes from ops to none"},
		{"the reading socket", "/run/r", "/run/q", "control.reader.socket: changes from /run/r to /run/q"},
		{"the reading socket's mode", "0666", "0640", "control.reader.mode: changes from 0666 to 0640"},
		{"the reading socket's group", ", group: mon", "", "control.reader.group: changes from mon to none"},
		{"the state folder", "/var/lib/fipctl", "/srv/fipctl", "state_dir: changes from /var/lib/fipctl to /srv/fipctl"},
		{"metrics", "listen: none", "listen: 127.0.0.1", "metrics.listen: changes from none to 127.0.0.1:9112"},
		{"a VRID", "vrid: 51", "vrid: 52", ""},
		{"a VRID that another group had", "name: web", "name: www", "groups[0].vrid: 51 was the number of group web until now, by which peers know that group; use one that no group had, or restart fipctl on all nodes"},
		{"the log format", "level: info", "format: json", "log.format: changes from auto to json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			if want != "" {
				want = path + ": " + want
			}
			if strings.Contains(want, "changes from") {
				want += ", which takes a restart; restart fipctl, or undo the change"
			}
			got := ReloadProblems(load(t, all), load(t, strings.Replace(all, tt.old, tt.new, 1))).Error()
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// TestAFileThatMayBeHalfWrittenIsReadAgain, and counts once it stays as it is.
func TestAFileThatMayBeHalfWrittenIsReadAgain(t *testing.T) {
	t.Parallel()
	const (
		old     = 10 * time.Second
		another = "  - {name: api, vrid: 52, addresses: [{provider: digitalocean, kind: reserved-ip, ip: \"2001:db8::10\"}]}\n"
		second  = "      - {provider: digitalocean, kind: reserved-ip, ip: \"2001:db8::11\"}\n"
		half    = good + "  - {name: ap"
	)
	two := strings.Replace(good, "    checks:", second+"    checks:", 1)
	tests := []struct {
		name  string
		force string // the file in force
		reads []string
		ago   time.Duration // that the file was changed, at the first read
		waits string
		want  string // groups of the result, or what is wrong
	}{
		{"nothing is new", good, []string{good}, old, "", "web"},
		{"a group more", good, []string{good + another}, old, "", "web api"},
		{"changed just now", good, []string{good, good}, 200 * time.Millisecond, "it was changed 200ms ago", "web"},
		{"a group less", good + another, []string{good, good}, old, "it no longer has group api", "web"},
		{"a group less for a moment", good + another, []string{good, good + another, good + another}, old, "it no longer has group api; it has just changed", "web api"},
		{"an address less", two, []string{good, good}, old, "group web no longer has 2001:db8::11", "web"},
		{"no YAML for a moment", good, []string{half, good, good}, 0, "it was changed 0s ago; it has just changed", "web"},
		{"no YAML since long", good, []string{half}, old, "", "is wrong"},
		{"no YAML", good, []string{half, half}, 0, "it was changed 0s ago", "is wrong"},
		{"it goes on changing", good, strings.Split(strings.Repeat(good+"|"+half+"|", 3), "|")[:6], 0,
			"it was changed 0s ago" + strings.Repeat("; it has just changed", 5), path + ": changed each of the 6 times that it was read, 1s apart; write it as a whole, and then reload"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			force, o := load(t, tt.force), machine("").options()
			reads := tt.reads
			o.ReadFile = func(string) ([]byte, error) {
				text := reads[0]
				reads = reads[1:]
				return []byte(text), nil
			}
			o.Changed = func(string) time.Duration { return tt.ago }
			var waits []string
			cfg, err := Reread(force, o, func(why string) error { waits = append(waits, why); return nil })
			if got := strings.Join(waits, "; "); got != tt.waits {
				t.Errorf("it waits because %s\nwant %s", got, tt.waits)
			}
			if len(reads) > 0 {
				t.Errorf("%d reads too few", len(reads))
			}
			if err != nil {
				if tt.want != "is wrong" && err.Error() != tt.want {
					t.Errorf("got  %v\nwant %s", err, tt.want)
				}
				return
			}
			var names []string
			for _, g := range cfg.Groups {
				names = append(names, g.Name)
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("it has %s, want %s", got, tt.want)
			}
		})
	}
}

// TestTheSocketOfTheCommandLineWins, at the start and with every reload.
func TestTheSocketOfTheCommandLineWins(t *testing.T) {
	t.Parallel()
	o := machine(good).options()
	o.Socket = "/run/mine.sock"
	first, err := Load(path, o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Reread(first, o, func(string) error { return errors.New("it waits") })
	if err != nil || again.Control.Socket != o.Socket || len(ReloadProblems(first, again)) > 0 {
		t.Errorf("%v, %v", err, ReloadProblems(first, again))
	}
}

func TestNothingIsReadAgainByWhoeverLeaves(t *testing.T) {
	t.Parallel()
	o, leaves := machine(good).options(), errors.New("it leaves")
	o.Changed = func(string) time.Duration { return 0 }
	if _, err := Reread(load(t, good), o, func(string) error { return leaves }); !errors.Is(err, leaves) {
		t.Errorf("it says %v", err)
	}
}

// TestWhenAFileWasChanged: what lies ahead was not just now, and what is not there neither.
func TestWhenAFileWasChanged(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "a")
	if ago := changedAgo(name); ago < time.Hour {
		t.Errorf("a file that is not there was changed %s ago", ago)
	}
	for _, tt := range []struct{ at, least, most time.Duration }{
		{-time.Hour, time.Hour, 2 * time.Hour},
		{time.Hour, 24 * time.Hour, math.MaxInt64},
	} {
		if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, time.Time{}, time.Now().Add(tt.at))); err != nil {
			t.Fatal(err)
		}
		if ago := changedAgo(name); ago < tt.least || ago > tt.most {
			t.Errorf("%s from now: %s ago", tt.at, ago)
		}
	}
}
