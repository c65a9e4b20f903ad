// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"strings"
	"testing"
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
