// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"time"
)

// A file that may be half written is read again so much later, so often at most.
const (
	RereadAfter = time.Second
	rereadsMax  = 5
)

// Reread reads the file of a configuration in force again. One that may be half written, since it was
// changed less than [RereadAfter] ago or lacks a group or an address that old has, counts
// only once it is found to be the same that much later. Wait is told why, waits so long and
// returns an error if nothing is to be read any more. The error is that of [Load], of wait,
// or [Problems] of a file that goes on changing.
func Reread(old *Config, o Options, wait func(why string) error) (*Config, error) {
	o = o.withDefaults()
	var text, before []byte
	read := o.ReadFile
	o.ReadFile = func(path string) (t []byte, err error) {
		t, err = read(path)
		text = t
		return t, err
	}
	for again := range rereadsMax + 1 {
		ago := o.Changed(old.Path)
		cfg, err := Load(old.Path, o)
		why := ""
		switch {
		case again > 0 && bytes.Equal(text, before):
		case again > 0:
			why = "it has just changed"
		case ago < RereadAfter:
			why = fmt.Sprintf("it was changed %s ago", ago.Round(time.Millisecond))
		case err == nil:
			why = lacks(old, cfg)
		}
		if why == "" {
			return cfg, err
		}
		if err := wait(why); err != nil {
			return nil, err
		}
		before = text
	}
	return nil, Problems{{File: old.Path, Text: fmt.Sprintf(
		"changed each of the %d times that it was read, %s apart; write it as a whole, and then reload", rereadsMax+1, RereadAfter)}}
}

// lacks says which group or address of a configuration another one does not have, or "".
func lacks(old, new *Config) string {
	for _, g := range old.Groups {
		is, ok := new.Group(g.Name)
		if !ok {
			return "it no longer has group " + g.Name
		}
		for _, a := range g.Addresses {
			if !slices.Contains(is.Addresses, a) {
				return "group " + g.Name + " no longer has " + a.String()
			}
		}
	}
	return ""
}

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
