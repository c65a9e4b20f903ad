// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"io/fs"
	"net/netip"
)

// ReloadProblems returns what makes it impossible to go from one configuration
// to another without a restart: what peers know this process by, and what it
// opened at its start. An empty result says that the rest may be applied.
//
// A VRID that another group had is one of them: to peers whose file is still the old one it
// is that group, and two nodes that lead different groups would settle which of them leads.
func ReloadProblems(old, new *Config) Problems {
	var ps Problems
	compare := func(path, was, is string) {
		if was != is {
			ps = append(ps, Problem{File: new.Path, Path: path, Text: fmt.Sprintf(
				"changes from %s to %s, which takes a restart; restart fipctl, or undo the change", was, is)})
		}
	}
	compare("cluster.id", old.Cluster.ID, new.Cluster.ID)
	compare("node", old.Node, new.Node)
	if old.Node == new.Node {
		compare("nodes", old.Node+" "+old.Self().Address.String(), new.Node+" "+new.Self().Address.String())
	}
	compare("listen", old.Listen.String(), new.Listen.String())
	compare("control.socket", old.Control.Socket, new.Control.Socket)
	compare("control.mode", octal(old.Control.Mode), octal(new.Control.Mode))
	compare("control.group", orNone(old.Control.Group), orNone(new.Control.Group))
	compare("control.reader.socket", orNone(old.Control.Reader.Socket), orNone(new.Control.Reader.Socket))
	compare("control.reader.mode", octal(old.Control.Reader.Mode), octal(new.Control.Reader.Mode))
	compare("control.reader.group", orNone(old.Control.Reader.Group), orNone(new.Control.Reader.Group))
	compare("state_dir", old.StateDir, new.StateDir)
	compare("metrics.listen", listenText(old.Metrics.Listen), listenText(new.Metrics.Listen))
	compare("log.format", old.Log.Format, new.Log.Format)
	for i, g := range new.Groups {
		for _, was := range old.Groups {
			if was.VRID == g.VRID && was.Name != g.Name {
				ps = append(ps, Problem{File: new.Path, Path: fmt.Sprintf("groups[%d].vrid", i), Text: fmt.Sprintf(
					"%d was the number of group %s until now, by which peers know that group; use one that no group had, or restart fipctl on all nodes", g.VRID, was.Name)})
			}
		}
	}
	return ps
}

// octal returns a mode as it is written in the file.
func octal(m fs.FileMode) string { return fmt.Sprintf("%04o", m.Perm()) }

func orNone(s string) string { return pick(s == "", "none", s) }

// listenText returns a listener's address as it is written in the file.
func listenText(ap netip.AddrPort) string {
	if !ap.IsValid() {
		return noListener
	}
	return ap.String()
}
