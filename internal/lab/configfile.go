// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"
)

// The timings of a lab's health check: short enough to be watched, long enough
// for a busy machine not to fail it by accident.
const (
	checkInterval = 500 * time.Millisecond
	checkTimeout  = 450 * time.Millisecond
	checkRise     = 2
	checkFall     = 3
)

// slowAdverts is the interval from which two adverts, what a handover needs, take
// longer than the default claim_timeout of 15 s.
const slowAdverts = 7500 * time.Millisecond

// The parts of a configuration file that the lab sets, in the order in which they
// are written. The file is meant to be read: `--keep` points people at it.
type (
	fileConfig struct {
		Node      string                  `yaml:"node"`
		Cluster   fileCluster             `yaml:"cluster"`
		Nodes     []fileNode              `yaml:"nodes"`
		Listen    string                  `yaml:"listen"`
		Control   fileControl             `yaml:"control"`
		StateDir  string                  `yaml:"state_dir"`
		Log       fileLog                 `yaml:"log"`
		Groups    []fileGroup             `yaml:"groups"`
		Providers map[string]fileProvider `yaml:"providers"`
	}
	fileCluster struct {
		ID             string `yaml:"id"`
		KeyFile        string `yaml:"key_file"`
		AdvertInterval string `yaml:"advert_interval"`
	}
	fileNode struct {
		Name    string            `yaml:"name"`
		Address string            `yaml:"address"`
		Target  map[string]string `yaml:"target,omitempty"`
	}
	fileControl struct {
		Socket string `yaml:"socket"`
	}
	fileLog struct {
		Level  string `yaml:"level"`
		Format string `yaml:"format"`
	}
	fileGroup struct {
		Name           string         `yaml:"name"`
		VRID           int            `yaml:"vrid"`
		Preempt        bool           `yaml:"preempt"`
		PreemptDelay   string         `yaml:"preempt_delay,omitempty"`
		DisplacedRetry string         `yaml:"displaced_retry,omitempty"`
		OnMoved        string         `yaml:"on_moved,omitempty"`
		Priority       map[string]int `yaml:"priority"`
		ClaimTimeout   string         `yaml:"claim_timeout,omitempty"`
		Addresses      []fileAddress  `yaml:"addresses"`
		Probe          *fileProbe     `yaml:"probe,omitempty"`
		Checks         []fileCheck    `yaml:"checks"`
	}
	fileAddress struct {
		Provider string   `yaml:"provider"`
		Kind     string   `yaml:"kind"`
		IP       string   `yaml:"ip"`
		ID       string   `yaml:"id,omitempty"`
		Subnet   string   `yaml:"subnet,omitempty"`
		Tables   []string `yaml:"tables,omitempty"`
	}
	fileProbe struct {
		HTTP string `yaml:"http"`
	}
	fileCheck struct {
		Name     string `yaml:"name"`
		HTTP     string `yaml:"http"`
		Interval string `yaml:"interval"`
		Timeout  string `yaml:"timeout"`
		Rise     int    `yaml:"rise"`
		Fall     int    `yaml:"fall"`
	}
	fileProvider struct {
		TokenFile        string `yaml:"token_file,omitempty"`
		CredentialsFile  string `yaml:"credentials_file,omitempty"`
		Region           string `yaml:"region,omitempty"`
		Endpoint         string `yaml:"endpoint"`
		MetadataEndpoint string `yaml:"metadata_endpoint,omitempty"`
	}
)

// settings is what scenarios vary in the configuration of all nodes.
type settings struct {
	nodes          int // how many there are
	advertInterval time.Duration
	preempt        bool
	preemptDelay   time.Duration // zero: the default
	displacedRetry time.Duration // zero: the default
	onMoved        string        // empty: the default
	probe          bool          // a probe of the user's, through the address
	touchy         bool          // one look decides whether the service is healthy
}

// configOf returns the configuration of node i. It differs between the nodes
// where the lab is not a real network: each names the others at their stand-ins.
func configOf(at layout, s settings, files nodeFiles, v vendor, i int) fileConfig {
	address := v.address()
	c := fileConfig{
		Node:     nodeNames[i],
		Cluster:  fileCluster{ID: clusterID, KeyFile: files.key, AdvertInterval: s.advertInterval.String()},
		Listen:   netip.AddrPortFrom(at.bound(i), at.nodeDaemon(i).Port()).String(),
		Control:  fileControl{Socket: files.socket},
		StateDir: files.state,
		Log:      fileLog{Level: "info", Format: "json"},
		Groups:   []fileGroup{groupOf(at, s, v, i)},
		Providers: map[string]fileProvider{
			address.Provider: v.block(i, files.secret),
		},
	}
	for j, name := range nodeNames[:s.nodes] {
		node := fileNode{Name: name, Address: at.seen(i, j).String()}
		if id := v.identity(j); id != "" {
			node.Target = map[string]string{address.Provider: id}
		}
		c.Nodes = append(c.Nodes, node)
	}
	return c
}

func groupOf(at layout, s settings, v vendor, i int) fileGroup {
	g := fileGroup{
		Name:      groupName,
		VRID:      51,
		Preempt:   s.preempt,
		OnMoved:   s.onMoved,
		Priority:  map[string]int{},
		Addresses: []fileAddress{v.address()},
		Checks: []fileCheck{{
			Name:     "service",
			HTTP:     v.serviceURL(i),
			Interval: checkInterval.String(),
			Timeout:  checkTimeout.String(),
			Rise:     checkRise,
			Fall:     checkFall,
		}},
	}
	for j, name := range nodeNames[:s.nodes] {
		g.Priority[name] = nodePriorities[j]
	}
	if s.probe {
		g.Probe = &fileProbe{HTTP: fmt.Sprintf("http://%s/healthz", at.floatingWeb())}
	}
	if s.touchy {
		g.Checks[0].Rise, g.Checks[0].Fall = 1, 1
	}
	if s.advertInterval > slowAdverts {
		g.ClaimTimeout = (2 * s.advertInterval).String()
	}
	if s.preemptDelay > 0 {
		g.PreemptDelay = s.preemptDelay.String()
	}
	if s.displacedRetry > 0 {
		g.DisplacedRetry = s.displacedRetry.String()
	}
	return g
}

// nodeFiles is where the files of one node are.
type nodeFiles struct{ config, key, secret, socket, state string }

func filesOf(dir, node string) nodeFiles {
	return nodeFiles{
		config: filepath.Join(dir, node+".yaml"),
		key:    filepath.Join(dir, node+".key"),
		secret: filepath.Join(dir, node+".secret"),
		socket: filepath.Join(dir, node+".sock"),
		state:  filepath.Join(dir, node+".state"),
	}
}

// writeFiles writes everything the daemons read: each node's copy of the cluster
// key, its configuration and its credentials.
func writeFiles(dir string, at layout, s settings, v vendor) error {
	key := newKey()
	for i, name := range nodeNames[:s.nodes] {
		files := filesOf(dir, name)
		text, err := yaml.Marshal(configOf(at, s, files, v, i))
		if err != nil {
			return fmt.Errorf("write configuration of %s: %w", name, err)
		}
		if err := writePrivate(files.config, string(text)); err != nil {
			return err
		}
		if err := writePrivate(files.key, key); err != nil {
			return err
		}
		if err := writePrivate(files.secret, v.secretOf(name)); err != nil {
			return err
		}
		if err := os.Mkdir(files.state, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// newKey returns the text of a key file with one new key.
func newKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: it ends the program rather than return less
	return base64.StdEncoding.EncodeToString(key) + "\n"
}

func writePrivate(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }
