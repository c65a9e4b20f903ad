// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// UDP is the transport over a UDP socket.
type UDP struct {
	conn    *net.UDPConn
	raw     syscall.RawConn
	local   netip.AddrPort
	v6      bool          // an IPv6 socket, which speaks IPv4 too if it is the wildcard
	dropped atomic.Uint32 // as the kernel counts
}

// pollRoundsMax bounds the errors and notices without a packet that one Poll
// skips.
const pollRoundsMax = 64

// receiveBuffer is how many bytes may wait to be read, by the kernel's count, which doubles it:
// some 10,000 datagrams, so that those of the peers find room in a flood while this process does
// not run for a moment. Where that is not permitted net.core.rmem_max is the most.
const receiveBuffer = 4 << 20

// controlSize is room for every control message that the socket is told to give.
const controlSize = 256

// ListenUDP opens a UDP socket on the given address. The zero address means all
// addresses of both families (of IPv4 alone where there is no IPv6), 0.0.0.0 and
// a specific address what they say. Port 0 lets the system choose.
func ListenUDP(listen netip.AddrPort) (*UDP, error) {
	network := "udp"
	if a := listen.Addr(); a.Is4() {
		network = "udp4"
	} else if a.Is6() && !a.IsUnspecified() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(listen))
	if err != nil {
		return nil, err // net names the operation and the address
	}
	u := &UDP{conn: conn, local: unmap(conn.LocalAddr().(*net.UDPAddr).AddrPort())}
	if u.raw, err = conn.SyscallConn(); err == nil {
		err = u.setOptions()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("set up socket on %v: %w", listen, err)
	}
	return u, nil
}

// setOptions asks for room for a burst, for the local address of each datagram, so that a
// reply can leave from the address that was asked, for ICMP errors, and for the count of
// datagrams that found no room.
func (u *UDP) setOptions() error {
	var option error
	err := u.raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) // which refuses nothing
		}
		domain, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		u.v6 = domain == unix.AF_INET6
		option = errors.Join(err, unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1))
		if u.v6 {
			option = errors.Join(option,
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1))
			return
		}
		option = errors.Join(option, unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1))
	})
	return errors.Join(err, option)
}

// LocalAddr implements [Transport].
func (u *UDP) LocalAddr() netip.AddrPort { return u.local }

// Send implements [Transport].
func (u *UDP) Send(to netip.AddrPort, from netip.Addr, b []byte) error {
	destination, err := u.sockaddr(to)
	if err != nil {
		return fmt.Errorf("send to %v: %w", to, err)
	}
	control := u.sourceControl(from)
	var sent error
	err = u.raw.Control(func(fd uintptr) {
		sent = unix.Sendmsg(int(fd), b, control, destination, unix.MSG_DONTWAIT)
		if sent != nil && sent != unix.EAGAIN {
			// With IP_RECVERR the kernel hands an ICMP error about an earlier
			// datagram, perhaps to another peer, to the next send, once.
			sent = unix.Sendmsg(int(fd), b, control, destination, unix.MSG_DONTWAIT)
		}
	})
	switch {
	case err != nil:
		return fmt.Errorf("send to %v: %w", to, ErrClosed)
	case sent != nil:
		return fmt.Errorf("send to %v: %w", to, sent)
	}
	return nil
}

// sockaddr returns to in the form of the socket's family.
func (u *UDP) sockaddr(to netip.AddrPort) (unix.Sockaddr, error) {
	a := to.Addr().Unmap()
	switch {
	case !a.IsValid():
		return nil, errors.New("no address")
	case u.v6:
		return &unix.SockaddrInet6{Port: int(to.Port()), Addr: a.As16()}, nil
	case a.Is4():
		return &unix.SockaddrInet4{Port: int(to.Port()), Addr: a.As4()}, nil
	}
	return nil, errors.New("an IPv6 address on an IPv4 socket")
}

// sourceControl is the control message that chooses the source address. An IPv6
// socket takes IPv4 addresses in the mapped form.
func (u *UDP) sourceControl(from netip.Addr) []byte {
	switch {
	case !from.IsValid():
		return nil
	case u.v6:
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: from.As16()})
	}
	return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: from.Unmap().As4()})
}

// Poll implements [Transport].
func (u *UDP) Poll(p *Packet) (ok bool) {
	p.From, p.To, p.Refused = netip.AddrPort{}, netip.Addr{}, false
	if cap(p.Data) < ReadMax {
		p.Data = make([]byte, 0, ReadMax)
	}
	// A closed socket polls nothing; Wait reports it.
	_ = u.raw.Control(func(fd uintptr) {
		for range pollRoundsMax {
			n, again := u.read(int(fd), p)
			if n {
				ok = true
				return
			}
			if !again {
				return
			}
		}
	})
	return ok
}

// read takes a datagram or, when there is none, a notice from the socket. It
// reports whether p was filled and, if not, whether there may be more.
func (u *UDP) read(fd int, p *Packet) (filled, more bool) {
	var control [controlSize]byte
	n, size, _, from, err := unix.Recvmsg(fd, p.Data[:ReadMax], control[:], unix.MSG_DONTWAIT)
	switch err {
	case nil:
		u.note(control[:size])
		p.From, p.To, p.Data = addrPort(from), localAddr(control[:size]), p.Data[:n]
		return true, false
	case unix.EAGAIN:
		return u.readNotice(fd, p)
	case unix.EINTR:
		return false, true
	}
	// Most often the ICMP error whose details readNotice will get. Reading it
	// has cleared it.
	return false, true
}

// readNotice takes an ICMP error from the socket's error queue. The name that
// comes with it is the destination of the datagram it is about.
func (u *UDP) readNotice(fd int, p *Packet) (filled, more bool) {
	var control [controlSize]byte
	_, size, _, about, err := unix.Recvmsg(fd, p.Data[:ReadMax], control[:], unix.MSG_DONTWAIT|unix.MSG_ERRQUEUE)
	if err != nil {
		return false, false
	}
	if noticeErrno(control[:size]) != unix.ECONNREFUSED {
		return false, true
	}
	p.From, p.Data, p.Refused = addrPort(about), p.Data[:0], true
	return true, false
}

// Wait implements [Transport].
func (u *UDP) Wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// A deadline in the past ends the wait below; the next Wait takes it back.
	if err := u.conn.SetReadDeadline(time.Time{}); err != nil {
		return ErrClosed
	}
	stop := context.AfterFunc(ctx, func() { _ = u.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	err := u.raw.Read(func(fd uintptr) bool {
		// Anything but "nothing there" is for Poll to see.
		_, _, err := unix.Recvfrom(int(fd), nil, unix.MSG_DONTWAIT|unix.MSG_PEEK)
		return err != unix.EAGAIN
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, net.ErrClosed):
		return ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil // the end of an earlier ctx came late
	case err != nil:
		return fmt.Errorf("wait on %v: %w", u.local, err)
	}
	return nil
}

// Dropped implements [Transport].
func (u *UDP) Dropped() uint64 { return uint64(u.dropped.Load()) }

// note keeps the count that comes with a datagram once there is one: how many found no
// room before it was queued (SO_RXQ_OVFL in socket(7)).
func (u *UDP) note(control []byte) {
	for len(control) > 0 {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return
		}
		if header.Level == unix.SOL_SOCKET && header.Type == unix.SO_RXQ_OVFL && len(data) >= 4 {
			u.dropped.Store(binary.NativeEndian.Uint32(data))
		}
		control = rest
	}
}

// Close implements [Transport].
func (u *UDP) Close() error { return u.conn.Close() }

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// localAddr finds the address a datagram was sent to among its control messages.
func localAddr(control []byte) netip.Addr {
	for len(control) > 0 {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		switch {
		case header.Level == unix.IPPROTO_IP && header.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			return netip.AddrFrom4([4]byte(data[8:12])) // after the interface and the route's address
		case header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			return netip.AddrFrom16([16]byte(data[:16])).Unmap()
		}
		control = rest
	}
	return netip.Addr{}
}

// noticeErrno returns the error number of a notice: the first field of the
// kernel's struct sock_extended_err.
func noticeErrno(control []byte) unix.Errno {
	for len(control) > 0 {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		v4 := header.Level == unix.IPPROTO_IP && header.Type == unix.IP_RECVERR
		v6 := header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_RECVERR
		if (v4 || v6) && len(data) >= 4 {
			return unix.Errno(binary.NativeEndian.Uint32(data))
		}
		control = rest
	}
	return 0
}
