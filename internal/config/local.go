// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"io/fs"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
)

// socketPathMax is the longest path of a unix socket: sun_path is 108 bytes with
// the final NUL, unix(7).
const socketPathMax = 107

// listen decides where the daemon hears its peers.
func (b *builder) listen() {
	b.cfg.Listen = defaultListen(b.cfg)
	if b.raw.Listen == nil {
		return
	}
	ap, err := addrPort(string(*b.raw.Listen), b.cfg.Listen.Port())
	if err != nil {
		b.errorf("listen", "%v; write ip:port, such as %v, or remove the key to listen on all addresses", err, b.cfg.Listen)
		return
	}
	b.cfg.Listen = ap
	b.listenFamily(ap.Addr())
	self := b.cfg.Self().Address
	if !self.IsValid() {
		return
	}
	if ap.Port() != self.Port() {
		b.warnf("listen", "port %d is not the port %d of this node's address %v, to which the peers send; use %d unless something forwards it",
			ap.Port(), self.Port(), self, self.Port())
	}
	if !ap.Addr().IsUnspecified() && ap.Addr() != self.Addr() {
		b.warnf("listen", "%v is not this node's address %v, to which the peers send; use %v unless something forwards it",
			ap.Addr(), self.Addr(), self)
	}
}

// listenFamily reports nodes that a socket of this family cannot send to. The
// IPv6 wildcard reaches everybody.
func (b *builder) listenFamily(ip netip.Addr) {
	if ip == netip.IPv6Unspecified() {
		return
	}
	for _, n := range b.cfg.Nodes {
		if n.Address.IsValid() && n.Address.Addr().Is4() != ip.Is4() {
			b.errorf("listen", "%v cannot send to node %s at %v, which is of the other IP family; use [::]:%d", ip, n.Name, n.Address.Addr(), b.cfg.Listen.Port())
			return
		}
	}
}

func (b *builder) control() {
	raw := b.raw.Control
	if raw == nil {
		return
	}
	c := &b.cfg.Control
	if raw.Socket != nil {
		c.Socket = b.absolute(raw.Socket)
	}
	b.socketPath("control.socket", c.Socket, DefaultSocket)
	if raw.Mode != nil {
		c.Mode = fs.FileMode(*raw.Mode)
		switch {
		case c.Mode&0o002 != 0:
			b.errorf("control.mode", "%04o lets everybody on this machine move addresses; use 0660 and control.group", c.Mode)
		case c.Mode&0o600 != 0o600:
			b.errorf("control.mode", "%04o keeps the daemon's own user out; use 0660 or 0600", c.Mode)
		}
	}
	if raw.Group != nil {
		c.Group = string(*raw.Group)
	}
	if raw.Reader != nil {
		b.reader(raw.Reader)
	}
}

// reader decides about the socket that only reads. Everybody may be let in: what it shows
// is no secret, and it takes no commands.
func (b *builder) reader(raw *rawReader) {
	r := &b.cfg.Control.Reader
	if raw.Socket != nil && string(*raw.Socket) != noListener {
		r.Socket = b.absolute(raw.Socket)
		b.socketPath("control.reader.socket", r.Socket, DefaultReader)
		if r.Socket == b.cfg.Control.Socket {
			b.errorf("control.reader.socket", "is control.socket, which takes commands; use another path such as %s", DefaultReader)
		}
	}
	if raw.Mode != nil {
		r.Mode = fs.FileMode(*raw.Mode)
	}
	if raw.Group != nil {
		r.Group = string(*raw.Group)
	}
	if r.Socket == "" && (raw.Mode != nil || raw.Group != nil) && raw.Socket == nil {
		b.warnf("control.reader", "has no effect without control.reader.socket; set it, such as to %s, or remove the block", DefaultReader)
	}
}

// socketPath reports a path that no socket can have.
func (b *builder) socketPath(path, socket, example string) {
	if len(socket) > socketPathMax {
		b.errorf(path, "the path has %d bytes, the system allows %d; use a shorter one such as %s", len(socket), socketPathMax, example)
	}
}

func (b *builder) stateDir() {
	if b.raw.StateDir != nil {
		b.cfg.StateDir = b.absolute(b.raw.StateDir)
	}
	if b.cfg.StateDir == string(filepath.Separator) {
		b.errorf("state_dir", "is the root folder; use one of its own, such as %s", DefaultStateDir)
	}
}

// noListener is how the file says that there is no metrics listener. It is not
// "off", which older YAML readers, template tools among them, turn into false.
const noListener = "none"

func (b *builder) metrics() {
	raw := b.raw.Metrics
	if raw == nil {
		return
	}
	m := &b.cfg.Metrics
	m.AllowRemote = raw.AllowRemote != nil && bool(*raw.AllowRemote)
	if raw.Listen == nil || string(*raw.Listen) == noListener {
		if m.AllowRemote {
			b.warnf("metrics.allow_remote", "has no effect without metrics.listen; set it or remove this key")
		}
		return
	}
	ap, err := addrPort(string(*raw.Listen), metricsPort)
	switch {
	case err != nil:
		b.errorf("metrics.listen", "%v; write ip:port, such as 127.0.0.1:%d, or %s", err, metricsPort, noListener)
	case !ap.Addr().IsLoopback() && !m.AllowRemote:
		b.errorf("metrics.listen", "%v is no loopback address, and metrics have neither password nor encryption; use 127.0.0.1:%d, or set metrics.allow_remote: true", ap.Addr(), ap.Port())
	default:
		m.Listen = ap
	}
}

// metricsPort is the port of metrics.listen when it gives only an address.
const metricsPort = 9112

// The words of log.level, in the order of their severity.
var levels = []string{"debug", "info", "warn", "error"}

func (b *builder) log() {
	raw := b.raw.Log
	if raw == nil {
		return
	}
	if level := b.oneOf(raw.Level, "log.level", levels); level >= 0 {
		b.cfg.Log.Level = []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}[level]
	}
	formats := []string{FormatAuto, FormatText, FormatJSON}
	if format := b.oneOf(raw.Format, "log.format", formats); format >= 0 {
		b.cfg.Log.Format = formats[format]
	}
}

// oneOf returns the number of the word that t is, or -1 if it is absent or,
// which is reported, none of them.
func (b *builder) oneOf(t *text, path string, words []string) int {
	if t == nil {
		return -1
	}
	i := slices.Index(words, string(*t))
	if i < 0 {
		b.errorf(path, "%s is not allowed; %s", quote(string(*t)), choice(string(*t), words))
	}
	return i
}
