// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/fipctl/fipctl/internal/holder"
)

// socketPathMax is the longest path a unix socket can have (sun_path in unix(7)
// holds 108 bytes with the final zero). Longer ones fail with a bare "invalid
// argument".
const socketPathMax = 107

// dialTimeout bounds one connection attempt to a control socket. A live daemon
// accepts within milliseconds; a stopped one fills its backlog and hangs.
const dialTimeout = 2 * time.Second

// InUseError says that a live daemon already listens on a socket. Holder is which, as in
// "fipctl (pid 12)".
type InUseError struct {
	Path, Holder string
	Silent       bool // it did not answer in time
}

// Error names the socket, who has it and what to do.
func (e *InUseError) Error() string {
	if e.Silent {
		return fmt.Sprintf("listen on %s: %s has it and does not answer; end it first, or give this one a socket, a port and a state folder of its own", e.Path, e.Holder)
	}
	return fmt.Sprintf("listen on %s: %s answers there; stop it first (systemctl stop fipctl), or give this one a socket, a port and a state folder of its own", e.Path, e.Holder)
}

// Listen makes a control socket at path with the given mode and group (empty:
// the group of the process). The socket of a dead daemon is replaced, that of a
// live one is an *InUseError, and anything else at path is left alone. A missing
// parent directory is made with mode 0755. Closing the listener removes the
// socket, unless another one has taken its place.
//
// The socket is made inside a private directory and moved to path when mode and
// group are right, so that no umask ever lets a stranger in.
func Listen(path string, mode fs.FileMode, group string) (net.Listener, error) {
	if err := vacant(path, dialTimeout); err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	private, err := os.MkdirTemp(dir, ".f")
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	defer os.RemoveAll(private)

	l, err := bind(filepath.Join(private, "s"), path, mode, group)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	return l, nil
}

// vacant reports, as an error, why path cannot be taken. An answer is waited for so long.
func vacant(path string, patience time.Duration) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("listen on %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("listen on %s: a file that is not a socket is in the way; remove it or choose another path", path)
	}
	conn, err := net.DialTimeout("unix", path, patience)
	switch {
	case err == nil:
		defer conn.Close()
		who := "another daemon"
		if p, _, ok := holder.OfPeer(conn.(*net.UnixConn)); ok {
			who = p.String()
		}
		return &InUseError{Path: path, Holder: who, Silent: !answers(conn, patience)}
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.EAGAIN): // of net.DialTimeout; a full backlog
		return &InUseError{Path: path, Holder: "another daemon", Silent: true}
	default:
		return fmt.Errorf("listen on %s: look whether another daemon answers there: %w", path, err)
	}
}

// answers reports whether anything comes back for a request: the kernel takes connections
// for a process that is stopped, too.
func answers(conn net.Conn, patience time.Duration) bool {
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "HEAD / HTTP/1.1\r\nHost: fipctl\r\n\r\n"); err != nil {
		return false
	}
	n, _ := conn.Read(make([]byte, 1))
	return n > 0
}

func bind(temporary, path string, mode fs.FileMode, group string) (*listener, error) {
	if n := max(len(temporary), len(path)); n > socketPathMax {
		return nil, fmt.Errorf("the path is too long by %d bytes for a unix socket; choose a shorter one", n-socketPathMax)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	made, err := publish(temporary, path, mode, group)
	if err != nil {
		l.Close()
		return nil, err
	}
	return &listener{UnixListener: l, path: path, made: made}, nil
}

// publish gives the socket its mode and group and then its name.
func publish(temporary, path string, mode fs.FileMode, group string) (fs.FileInfo, error) {
	if group != "" {
		gid, err := groupID(group)
		if err != nil {
			return nil, err
		}
		if err := os.Lchown(temporary, -1, gid); err != nil {
			return nil, fmt.Errorf("give the socket to group %q: %w", group, err)
		}
	}
	if err := os.Chmod(temporary, mode); err != nil {
		return nil, err
	}
	if err := os.Rename(temporary, path); err != nil {
		return nil, err
	}
	return os.Lstat(path)
}

func groupID(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("this machine has no group %q; create it with groupadd, or leave the group out", name)
	}
	return strconv.Atoi(g.Gid)
}

// listener removes its socket when closed and tells who connects.
type listener struct {
	*net.UnixListener
	path string
	made fs.FileInfo
}

// Close stops listening and removes the socket, if it is still this one.
func (l *listener) Close() error {
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.made) {
		os.Remove(l.path)
	}
	return l.UnixListener.Close()
}

// Accept returns a connection whose remote address names the peer process.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return &conn{UnixConn: c, caller: callerOf(c)}, nil
}

// Addr returns the path under which clients find the socket.
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

type conn struct {
	*net.UnixConn
	caller caller
}

// RemoteAddr returns who is at the other end, in place of an empty path.
func (c *conn) RemoteAddr() net.Addr { return c.caller }

// callerOf asks the kernel who is at the other end. The answer only goes into the log: the
// mode of the socket decides who may connect.
func callerOf(c *net.UnixConn) caller {
	p, user, ok := holder.OfPeer(c)
	if !ok {
		return "unknown"
	}
	return caller(fmt.Sprintf("uid %d pid %d", user, p.PID))
}

// caller is the process at the other end of a connection, in words.
type caller string

func (caller) Network() string  { return "unix" }
func (c caller) String() string { return string(c) }
