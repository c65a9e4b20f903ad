// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/status"
)

// standIn is the simplest thing that the lab takes for a daemon: two of them keep
// an address on a good day. It tests the lab, so that a red lab accuses the
// daemon; it is no model of fipctl.
type standIn struct {
	cfg    *config.Config
	conn   *net.UDPConn
	fip    netip.AddrPort
	me     int
	token  string
	mu     sync.Mutex
	role   string
	owner  int // node that the cloud named last; -1: none of us
	heard  time.Time
	proven time.Time
	by     string
	leave  bool
}

// runStandIn is `fipctl run --config FILE --node NAME` of the test binary.
func runStandIn(args []string) error {
	cfg, err := config.Load(args[1], config.Options{})
	if err != nil {
		return err
	}
	d := &standIn{cfg: cfg, role: "backup", owner: -1, heard: time.Now()}
	for i, n := range cfg.Nodes {
		if n.Name == cfg.Node {
			d.me = i
		}
	}
	token, err := os.ReadFile(string(cfg.Providers[0].TokenFile))
	if err != nil {
		return err
	}
	d.token = strings.TrimSpace(string(token))
	d.fip = netip.AddrPortFrom(cfg.Groups[0].Addresses[0].IP, cfg.Listen.Port())
	if d.conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(cfg.Listen)); err != nil {
		return err
	}
	l, err := status.Listen(cfg.Control.Socket, cfg.Control.Mode, "")
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	go func() { _ = status.NewServer(l, d, slog.New(slog.DiscardHandler)).Run(context.Background()) }()
	go d.receive()
	go d.read(ctx)
	d.elect(ctx)
	stop()
	d.handOver()
	return nil
}

// say sends text to the other node, or asks the probe's question.
func (d *standIn) say(text string, to netip.AddrPort) {
	_, _ = d.conn.WriteToUDPAddrPort([]byte(text), to)
}

func (d *standIn) peer() netip.AddrPort { return d.cfg.Peers()[0].Address }

func (d *standIn) receive() {
	buf := make([]byte, 1500)
	for {
		n, from, err := d.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			continue
		}
		word, rest, _ := strings.Cut(string(buf[:n]), " ")
		d.mu.Lock()
		switch word {
		case "advert":
			d.heard = time.Now()
		case "take":
			go d.claim("owner-goodbye")
		case "probe":
			d.say("answer "+d.cfg.Node, from)
		case "answer":
			d.proven, d.by = time.Now(), rest
		}
		d.mu.Unlock()
	}
}

// elect advertises, probes, and takes over from an owner that is silent both ways.
func (d *standIn) elect(ctx context.Context) {
	tick := time.NewTicker(d.cfg.Cluster.AdvertInterval / 5)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if i%5 == 0 {
			d.say("advert", d.peer())
			d.say("probe", d.fip)
		}
		d.mu.Lock()
		down := activeDown(d.cfg.Cluster.AdvertInterval, nodePriorities[d.me])
		silent := time.Since(d.heard) > down && time.Since(d.proven) > down
		mine, role := d.owner == d.me, d.role
		d.mu.Unlock()
		switch {
		case mine && role != "active":
			d.become("active", "resumed-bound")
		case !mine && role != "active" && silent:
			d.claim("owner-silent")
		}
	}
}

func (d *standIn) become(role, reason string) {
	d.mu.Lock()
	from := d.role
	d.role = role
	d.mu.Unlock()
	if from != role {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Info(roleMessage, "group", groupName, "from", from, "to", role, "term", 1, "reason", reason)
	}
}

// claim writes once and waits until the cloud says that it worked.
func (d *standIn) claim(reason string) {
	d.become("active", reason)
	body := fmt.Sprintf(`{"type":"assign","droplet_id":%s}`, dropletOf(d.me))
	if resp, err := d.call(http.MethodPost, "/actions", body); err == nil {
		_ = resp.Body.Close()
	}
	d.until(d.me)
}

func (d *standIn) until(owner int) {
	for range 100 {
		d.mu.Lock()
		ok := d.owner == owner
		d.mu.Unlock()
		if ok {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
}

func (d *standIn) handOver() {
	d.mu.Lock()
	d.leave = true
	mine := d.owner == d.me
	d.mu.Unlock()
	if mine {
		d.say("take", d.peer())
		d.until(1 - d.me)
	}
	d.become("initialize", "stopping")
}

// read asks the cloud who the owner is, within its limit of 250 calls a minute.
func (d *standIn) read(ctx context.Context) {
	for {
		resp, err := d.call(http.MethodGet, "", "")
		if err == nil {
			var answer struct {
				Reserved struct{ Droplet struct{ ID int } } `json:"reserved_ip"`
			}
			err = json.NewDecoder(resp.Body).Decode(&answer)
			_ = resp.Body.Close()
			d.mu.Lock()
			before := d.owner
			if err == nil {
				d.owner = answer.Reserved.Droplet.ID - doFirstDroplet
			}
			lost := before == d.me && d.owner != d.me
			d.mu.Unlock()
			if lost && ctx.Err() == nil {
				d.become("backup", "handed-over")
			}
		}
		<-time.After(250 * time.Millisecond)
	}
}

func (d *standIn) call(method, path, body string) (*http.Response, error) {
	url := d.cfg.Providers[0].Endpoint + "/v2/reserved_ips/" + d.fip.Addr().String() + path
	req, err := http.NewRequest(method, url, bytes.NewBufferString(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	req.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(req)
}

// Snapshot says what the lab looks at.
func (d *standIn) Snapshot() status.Snapshot {
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh := time.Since(d.heard) < time.Second
	g := status.Group{Name: groupName, Role: d.role}
	g.Addresses = []status.Address{{IP: d.fip.Addr(), Bound: d.owner == d.me, AnsweredBy: d.by}}
	for i, n := range d.cfg.Nodes {
		g.Nodes = append(g.Nodes, status.Node{Name: n.Name, Healthy: true, CanClaim: true, Fresh: fresh || i == d.me})
	}
	return status.Snapshot{Version: status.SnapshotVersion, Groups: []status.Group{g}}
}

// Assign takes the address.
func (d *standIn) Assign(_ context.Context, _ status.AssignRequest, report func(status.Event)) status.Outcome {
	report(status.Event{Event: status.EventClaimed, Text: "claims"})
	d.claim("assigned")
	return status.Outcome{Code: status.CodeDone, Text: "owns it"}
}

// Drain is beyond a stand-in.
func (d *standIn) Drain(context.Context, status.DrainRequest, func(status.Event)) status.Outcome {
	return status.Outcome{Code: status.CodeFailed, Text: "a stand-in does not drain"}
}

// Resume is beyond a stand-in.
func (d *standIn) Resume(context.Context, status.ResumeRequest, func(status.Event)) status.Outcome {
	return status.Outcome{Code: status.CodeDone}
}
