// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// frameMax is the longest frame read from an interface, in bytes: its MTU is 1500.
const frameMax = 2048

// Fabric is a running network. Its methods are safe for concurrent use.
type Fabric struct {
	vpc      *vpc
	rooms    map[Station]*room // API shares Metadata's
	services []*service
}

// Available returns nil if this process can make namespaces and interfaces, and
// otherwise why it cannot: it is not root, or this is not Linux, or a container
// forbids it. It tries, and leaves nothing behind.
func Available() error {
	r, err := openRoom(roomConfig{mac: clientMAC})
	if err != nil {
		return err
	}
	return r.close()
}

// Open makes the namespaces and interfaces and opens the services. Packets flow,
// and calls are answered, once Run is called. An error names all that is wrong with
// the options, or what the kernel refused; nothing is left behind then.
func Open(o Options) (*Fabric, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	f := &Fabric{vpc: &vpc{options: o, links: newLinks()}, rooms: map[Station]*room{}}
	if err := f.build(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// build makes a room for each station, and the services in theirs.
func (f *Fabric) build() error {
	for s, c := range f.vpc.rooms() {
		r, err := openRoom(c)
		if err != nil {
			return fmt.Errorf("build %s: %w", s, err)
		}
		f.rooms[s] = r
	}
	for _, addr := range metadataAddrs {
		ln, err := f.Listen(Metadata, "tcp4", netip.AddrPortFrom(addr, metadataPort).String())
		if err != nil {
			return err
		}
		f.services = append(f.services, newService(ln, f.vpc.metadataHandler()))
	}
	if f.vpc.options.API == nil {
		return nil
	}
	ln, err := f.Listen(API, "tcp4", f.vpc.options.APIAddr.String())
	if err != nil {
		return err
	}
	f.services = append(f.services, newService(ln, f.vpc.options.API))
	return nil
}

// String names the task for error messages.
func (f *Fabric) String() string {
	return fmt.Sprintf("fabric of %s with %d nodes", f.vpc.options.Subnet, len(f.vpc.options.Nodes))
}

// Run carries packets and serves metadata and the API until ctx ends, and returns
// nil then. It is called once.
func (f *Fabric) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var tasks sync.WaitGroup
	errs := make(chan error, len(f.rooms)+len(f.services)) // one from each task
	task := func(run func(context.Context) error) {
		tasks.Go(func() {
			err := run(ctx)
			if err != nil {
				cancel()
			}
			errs <- err
		})
	}
	for s, r := range f.rooms {
		task(func(ctx context.Context) error { return f.pump(ctx, s, r) })
	}
	for _, s := range f.services {
		task(s.run)
	}
	tasks.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	return all
}

// pump decides about what one station sends, until ctx ends.
func (f *Fabric) pump(ctx context.Context, from Station, r *room) error {
	defer context.AfterFunc(ctx, func() { _ = r.tap.SetReadDeadline(time.Unix(1, 0)) })() // ends the read below
	buf := make([]byte, frameMax)
	for {
		n, err := r.tap.Read(buf)
		switch {
		case ctx.Err() != nil || errors.Is(err, os.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("read what %s sends: %w", from, err)
		}
		v := f.vpc.handle(from, buf[:n])
		if v.frame != nil {
			if _, err := f.rooms[wire(v.to)].tap.Write(v.frame); err != nil {
				v = drop(Undeliverable)
			}
		}
		f.vpc.links.count(from, v)
	}
}

// wire returns the station whose interface packets for s go to.
func wire(s Station) Station {
	if s == API {
		return Metadata
	}
	return s
}

// Do calls f on a thread that is in a station's namespace and returns its error.
// What f opens or starts stays in there: a socket, or a process by
// [os/exec.Cmd.Start]. A goroutine that f starts does not run there.
func (f *Fabric) Do(at Station, do func() error) error {
	r := f.rooms[wire(at)]
	if r == nil {
		return fmt.Errorf("enter the namespace of %s: there is none", at)
	}
	return r.do(do)
}

// Dial connects from a station to a numeric address, as [net.Dialer.DialContext]
// does.
func (f *Fabric) Dial(ctx context.Context, at Station, network, addr string) (conn net.Conn, err error) {
	err = f.Do(at, func() (err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}

// Listen listens at a station on a numeric address, as [net.Listen] does.
func (f *Fabric) Listen(at Station, network, addr string) (ln net.Listener, err error) {
	err = f.Do(at, func() (err error) {
		ln, err = net.Listen(network, addr)
		return err
	})
	return ln, err
}

// Cut cuts or mends the link from one station to another, in this direction only.
func (f *Fabric) Cut(from, to Station, cut bool) { f.vpc.links.setCut(from, to, cut) }

// Refuse lets a firewall drop datagrams, or pass them again. They are judged as they
// were sent, before an address is translated.
func (f *Fabric) Refuse(d Datagrams, refused bool) { f.vpc.links.setRefused(d, refused) }

// Isolate takes a station off the network, or puts it back: nothing it sends is
// delivered, answered or heeded, and nothing reaches it.
func (f *Fabric) Isolate(s Station, isolated bool) { f.vpc.links.isolate(s, isolated) }

// Counts returns what became of the frames that a station has sent so far.
// Metadata and API are counted together.
func (f *Fabric) Counts(s Station) Counts { return f.vpc.links.of(wire(s)) }

// Close removes what Open made, after Run has returned. A namespace in which a
// process still runs lasts, without its interface, until that ends.
func (f *Fabric) Close() error {
	var errs []error
	for _, s := range f.services {
		errs = append(errs, s.close())
	}
	for _, r := range f.rooms {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}
