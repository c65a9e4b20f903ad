// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// The host parts of a lab's addresses, the last byte of 127.x.y.n. Node i has
// hostNode+i and so on, for at most nodesMax nodes.
const (
	hostNode     = 1
	hostFloating = 10
	hostAPI      = 20
	hostMetadata = 21
	hostGuest    = 30
	hostStranger = 40  // who has no key
	hostStandIn  = 100 // node j as node i sees it: hostStandIn + i*nodesMax + j
	hostLock     = 254
	nodesMax     = 4
)

// The ports a lab would like to have, for a reader's sake. Something else on the
// machine may listen on them at the wildcard address, so others are tried too.
const (
	portDaemon = 7112
	portWeb    = 8080
)

// plan is the addresses of one lab: a /24 of 127/8 and two ports, the same at
// every address. Labs that run at the same time have different ones.
type plan struct {
	prefix [3]byte
	daemon uint16 // UDP port of the daemons, and of the probe through the floating IP
	web    uint16 // TCP port of the services, of the floating IP and of the cloud
	locks  []interface{ Close() error }
}

// pickPlan draws addresses until nobody else uses them. The lock sockets that
// prove it stay open until Close, so that no second lab comes by the same ones.
func pickPlan(rng *rand.Rand) (*plan, error) {
	const tries = 50
	var last error
	for try := range tries {
		p := &plan{daemon: portDaemon, web: portWeb}
		p.prefix = [3]byte{127, byte(1 + rng.IntN(254)), byte(rng.IntN(256))}
		if try > 0 {
			// 20000-29999 is below the range that the kernel hands out itself.
			p.daemon, p.web = uint16(20000+rng.IntN(5000)), uint16(25000+rng.IntN(5000))
		}
		if last = p.lock(); last == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("find free loopback addresses: %w", last)
}

// lock binds both ports at the lock address. A wildcard listener of any other
// program on one of the ports makes it fail, as it would at every address.
func (p *plan) lock() error {
	tcp, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(p.at(hostLock, p.web)))
	if err != nil {
		return err
	}
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(p.at(hostLock, p.daemon)))
	if err != nil {
		_ = tcp.Close() // nothing was sent or received on it
		return err
	}
	p.locks = append(p.locks, tcp, udp)
	return nil
}

// Close gives the addresses back.
func (p *plan) Close() {
	for _, l := range p.locks {
		_ = l.Close() // carried no data
	}
	p.locks = nil
}

func (p *plan) host(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{p.prefix[0], p.prefix[1], p.prefix[2], byte(n)})
}

func (p *plan) at(n int, port uint16) netip.AddrPort { return netip.AddrPortFrom(p.host(n), port) }

func (p *plan) floatingIP() netip.Addr { return p.host(hostFloating) }

// patience implements layout. The floating IP resets what it cannot deliver, so an outage
// is seen at once; only a machine that stands still for so long could fake one.
func (*plan) patience() time.Duration { return askTimeout }

func (p *plan) floatingWeb() netip.AddrPort     { return p.at(hostFloating, p.web) }
func (p *plan) floatingDaemon() netip.AddrPort  { return p.at(hostFloating, p.daemon) }
func (p *plan) api() netip.AddrPort             { return p.at(hostAPI, p.web) }
func (p *plan) apiURL() string                  { return "http://" + p.api().String() }
func (p *plan) metadata(i int) netip.AddrPort   { return p.at(hostMetadata+i, p.web) }
func (p *plan) metadataURL(i int) string        { return "http://" + p.metadata(i).String() }
func (p *plan) guest() netip.AddrPort           { return p.at(hostGuest, p.web) }
func (p *plan) node(i int) netip.Addr           { return p.host(hostNode + i) }
func (p *plan) bound(i int) netip.Addr          { return p.node(i) }
func (p *plan) nodeDaemon(i int) netip.AddrPort { return p.at(hostNode+i, p.daemon) }
func (p *plan) nodeWeb(i int) netip.AddrPort    { return p.at(hostNode+i, p.web) }
func (p *plan) standIn(i, j int) netip.AddrPort { return p.at(hostStandIn+i*nodesMax+j, p.daemon) }

// subnetOf is the range of the nodes' network, for a kind of address. A private IP and
// what is announced belongs to it; other addresses must not be in it.
func (p *plan) subnetOf(kind string) netip.Prefix {
	bits := 29 // the nodes, and little else
	if kind == providers.KindPrivateIP || kind == providers.KindHAVIP {
		bits = 24
	}
	return netip.PrefixFrom(p.host(0), bits)
}

func (p *plan) seen(i, j int) netip.AddrPort {
	if i == j {
		return p.nodeDaemon(i)
	}
	return p.standIn(i, j)
}
