// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/internal/status"
)

// What the lab's cluster is called. The owner at the start is the node with the
// higher priority.
const (
	clusterID   = "lab"
	groupName   = "web"
	ownerNode   = 0
	standbyNode = 1
	thirdNode   = 2
	pairNodes   = 2 // what a scenario runs on unless it says otherwise
)

// The nodes that a scenario can have, by falling priority. It takes the first of
// them, at least a pair.
var (
	nodeNames      = [...]string{"lb-a", "lb-b", "lb-c"}
	nodePriorities = [...]int{110, 100, 90}
)

// cluster is everything one scenario runs on: two nodes or more, the links between them,
// the cloud, the floating IP and the client. Every scenario gets a new one at the
// same addresses.
type cluster struct {
	executable string
	ground     ground
	settings   settings
	latency    time.Duration // of a call to the API
	dir        string
	progress   func(string) // shows what is being waited for

	cloud    *cloud
	client   *client
	record   *recorder
	nodes    []*node
	watched  *callCounts // what a story counted by itself; nil: nothing
	clientOn context.CancelFunc

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// node is one VM: a daemon and the service it makes available.
type node struct {
	name    string
	files   nodeFiles
	control *status.Client
	daemon  *process
	service *service
	leaving bool // the lab has told the daemon to end
	paused  bool // the lab has let its host stand still
}

// clusterOptions is what differs between scenarios before anything runs.
type clusterOptions struct {
	settings
	offer    offer
	latency  time.Duration
	answers  face.Shape
	holder   int    // the node that has the address at first, or heldByNobody or heldByStranger
	blind    bool   // no probe passes through the floating IP
	readOnly []int  // the nodes whose credentials may not move the address
	seed     uint64 // of the relay
}

// openCluster binds and writes everything, and starts the services and what the
// lab itself plays. No daemon runs yet. The caller closes the cluster.
func openCluster(ctx context.Context, l *lab, o clusterOptions) (*cluster, error) {
	c := &cluster{
		executable: l.executable, ground: l.ground(o.offer), settings: o.settings, latency: o.latency,
		progress: l.out.progress, record: &recorder{},
	}
	c.client = newClient(c.ground.floatingWeb(), c.ground.patience(), c.ground.dial)
	if err := c.open(ctx, o); err != nil {
		c.close()
		return nil, fmt.Errorf("set up the cluster: %w", err)
	}
	return c, nil
}

func (c *cluster) open(ctx context.Context, o clusterOptions) (err error) {
	if c.dir, err = makeDir(); err != nil {
		return err
	}
	if c.cloud, err = openCloud(o.offer, c.ground, o); err != nil {
		return err
	}
	if err = writeFiles(c.dir, c.ground, o.settings, c.cloud.vendor); err != nil {
		return err
	}
	if err = c.ground.open(c.cloud, o); err != nil {
		return err
	}
	c.play(ctx)
	for i, name := range nodeNames[:o.nodes] {
		n := &node{name: name, files: filesOf(c.dir, name)}
		n.control = status.NewClient(n.files.socket)
		c.nodes = append(c.nodes, n)
		if n.service, err = c.startService(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// startService runs the service of node i and waits until it listens.
func (c *cluster) startService(ctx context.Context, i int) (*service, error) {
	return startService(ctx, c.executable, c.nodes[i].name, netip.AddrPortFrom(c.ground.bound(i), c.ground.nodeWeb(i).Port()).String(), func(cmd command) (*process, error) {
		return c.ground.start(i, cmd)
	})
}

// play starts the network and the cloud.
func (c *cluster) play(ctx context.Context) {
	ctx, c.stop = context.WithCancel(ctx)
	c.wg.Go(func() { c.cloud.watch(ctx) })
	c.wg.Go(func() { c.ground.run(ctx) })
	c.cloud.model.OnChange(func(ch fakecloud.Change) {
		from := c.cloud.nodeOf(ch.From)
		if from >= 0 && (fakecloud.Slot{IP: ch.IP, Table: ch.Table}) == c.cloud.clientSlot() {
			c.ground.left(from)
		}
	})
}

// startDaemon starts `fipctl run` of node i.
func (c *cluster) startDaemon(i int) error { return c.startDaemonAs(i, c.nodes[i].name) }

// startDaemonAs starts it under the name of any node.
func (c *cluster) startDaemonAs(i int, node string) (err error) {
	n := c.nodes[i]
	n.leaving = false
	n.daemon, err = c.ground.start(i, command{
		name: n.name + "'s daemon",
		path: c.executable,
		args: append([]string{"run", "--config", n.files.config, "--node", node}, c.ground.runArguments()...),
		line: func(s string) { c.record.log(n.name, s) },
	})
	if err != nil {
		return err
	}
	daemon := n.daemon
	c.wg.Go(func() {
		<-daemon.done
		what := "daemon ended"
		if daemon.err != nil {
			what += ": " + daemon.err.Error()
		}
		c.record.add(event{At: time.Now(), Kind: eventEnd, Who: n.name, What: what})
	})
	return nil
}

// signal tells node i's daemon to end: SIGTERM to stop, SIGUSR1 to leave for a
// restart.
func (c *cluster) signal(i int, s syscall.Signal) {
	c.nodes[i].leaving = true
	c.nodes[i].daemon.signal(s)
}

// killHost ends everything on node i at once, as when its host dies.
func (c *cluster) killHost(i int) {
	n := c.nodes[i]
	n.leaving = true
	var wg sync.WaitGroup
	wg.Go(n.daemon.kill)
	wg.Go(n.service.kill)
	wg.Wait()
	c.ground.power(i, false)
}

// returnHost starts node i again after killHost.
func (c *cluster) returnHost(ctx context.Context, i int) (err error) {
	n := c.nodes[i]
	c.ground.power(i, true)
	if n.service, err = c.startService(ctx, i); err != nil {
		return err
	}
	return c.startDaemon(i)
}

// startClient lets the client ask from now on.
func (c *cluster) startClient(ctx context.Context) {
	ctx, c.clientOn = context.WithCancel(ctx)
	c.wg.Go(func() { c.client.run(ctx) })
}

// crashed returns an error if a daemon ended although nobody told it to.
func (c *cluster) crashed() error {
	var errs []error
	for _, n := range c.nodes {
		if n.daemon != nil && !n.leaving && !n.daemon.alive() {
			errs = append(errs, fmt.Errorf("%s ended by itself: %v", n.daemon.name, n.daemon.err))
		}
	}
	return errors.Join(errs...)
}

// close ends every process and removes every file. What a scenario has not
// stopped in order is killed: nothing is to be learnt from it any more.
func (c *cluster) close() {
	var wg sync.WaitGroup
	for _, n := range c.nodes {
		n.leaving = true
		for _, p := range n.processes() {
			wg.Go(p.kill)
		}
	}
	wg.Wait()
	if c.stop != nil {
		c.stop()
	}
	if c.clientOn != nil {
		c.clientOn()
	}
	c.ground.close()
	c.wg.Wait()
	if c.dir != "" {
		// A file that cannot be removed is worth a word, and no more.
		if err := os.RemoveAll(c.dir); err != nil {
			c.record.note(err.Error())
		}
	}
}

func (n *node) processes() []*process {
	var ps []*process
	if n.daemon != nil {
		ps = append(ps, n.daemon)
	}
	if n.service != nil {
		ps = append(ps, n.service.process)
	}
	return ps
}

// socketPathMax is the longest path of a unix socket that the kernel takes.
const socketPathMax = 107

// makeDir returns a new directory for the cluster's files, with a name short
// enough for the control sockets.
func makeDir() (string, error) {
	const pattern, longest = "fipctl-lab-", "0000000000/" + "lb-a.state"
	parent := os.TempDir()
	if len(parent)+1+len(pattern)+len(longest) > socketPathMax {
		parent = "/tmp"
	}
	return os.MkdirTemp(parent, pattern)
}
