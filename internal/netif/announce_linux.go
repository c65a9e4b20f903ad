// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// noHardware is the target hardware address of an announcement that is a request:
// RFC 5227 section 2.1.1 wants it zero where the address is not being asked for.
var noHardware = net.HardwareAddr{0, 0, 0, 0, 0, 0}

// Announce implements [Interfaces]. RFC 5227 section 3 asks for the request; the
// reply is for what only listens to replies, and costs one frame more. Both go to
// everybody and name addr as sender and as target.
func (Kernel) Announce(ctx context.Context, addr netip.Addr, iface string, permit func() error) (int, error) {
	left := 0
	addr, err := request(ctx, addr, iface)
	if err == nil {
		left, err = announce(ctx, addr, iface, permit)
	}
	if err != nil {
		return left, fmt.Errorf("announce %s on %s: %w", addr, iface, explainRaw(err))
	}
	return left, nil
}

// CanAnnounce implements [Interfaces]. A socket of no protocol receives nothing.
func (Kernel) CanAnnounce(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open packet socket: %w", explainRaw(err))
	}
	return unix.Close(fd)
}

// explainRaw adds what to do about an error of a packet socket where that is known, and
// leaves out the hardware addresses, which say nothing here.
func explainRaw(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w; run as root or with CAP_NET_RAW (AmbientCapabilities= in the unit, or setcap cap_net_raw,cap_net_admin+ep on the program)", err)
	}
	return err
}

// announce prepares the two frames and lets them leave.
func announce(ctx context.Context, addr netip.Addr, iface string, permit func() error) (int, error) {
	link, err := find(iface)
	if err != nil {
		return 0, err
	}
	err = withSocket(iface, func(s *socket) error {
		entries, err := s.list(addr)
		if err != nil {
			return err
		}
		return announceable(addr, link.HardwareAddr.String(), entries)
	})
	if err != nil {
		return 0, err
	}
	frames, err := announcement(addr, link.HardwareAddr)
	if err != nil {
		return 0, err
	}
	conn, err := packet.Listen(&link, packet.Raw, unix.ETH_P_ARP, nil)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	client, err := arp.New(&link, conn)
	if err != nil {
		return 0, err
	}
	return leave(ctx, permit, func(i int) error {
		if err := client.SetWriteDeadline(time.Now().Add(answerTimeout)); err != nil {
			return err
		}
		return client.WriteTo(frames[i], ethernet.Broadcast)
	})
}

// announcement returns the frames of an announcement.
func announcement(addr netip.Addr, hw net.HardwareAddr) (frames [announcementFrames]*arp.Packet, err error) {
	if frames[0], err = arp.NewPacket(arp.OperationRequest, hw, addr, noHardware, addr); err == nil {
		frames[1], err = arp.NewPacket(arp.OperationReply, hw, addr, ethernet.Broadcast, addr)
	}
	return frames, err
}
