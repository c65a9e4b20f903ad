// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"crypto/rand"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/direct"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/election/wire"
)

// cluster reads the configuration for acting without a daemon.
func (a *app) cluster() (*direct.Cluster, error) {
	cfg, err := config.Load(a.configPath, config.Options{Node: a.node, AnyNode: true})
	if err != nil {
		return nil, err
	}
	return newCluster(cfg), nil
}

// newCluster puts a configuration into the form of package direct.
func newCluster(cfg *config.Config) *direct.Cluster {
	c := &direct.Cluster{ID: cfg.Cluster.ID, Self: cfg.Node, Own: cfg.OwnAddress(), Local: netif.IsLocal, Clouds: map[string]direct.Cloud{}, Now: time.Now}
	for _, n := range cfg.Nodes {
		c.Nodes = append(c.Nodes, direct.Node{Name: n.Name, Address: n.Address, Targets: n.Targets})
	}
	for _, g := range cfg.Groups {
		c.Groups = append(c.Groups, direct.Group{Name: g.Name, VRID: g.VRID, Addresses: g.Addresses})
	}
	for _, p := range cfg.Providers {
		c.Clouds[p.Name] = openCloud(cfg, p)
	}
	if cfg.Node != "" {
		receiver := wire.Receiver{Cluster: cfg.Cluster.ID, Node: cfg.Node, Keys: cfg.Cluster.Keyring}
		for _, p := range cfg.Peers() {
			receiver.Peers = append(receiver.Peers, p.Name)
		}
		c.Prober = &direct.UDPProber{Receiver: receiver, Rand: rand.Reader}
	}
	return c
}

// openCloud makes one provider ready. Without credentials the metadata service
// still tells who this machine is.
func openCloud(cfg *config.Config, p config.Provider) direct.Cloud {
	settings, stated := cfg.Settings(p, "fipctl/"+version()), p.MetadataEndpoint == registry.NoMetadata
	cloud, err := registry.Open(p.Name, settings)
	if err == nil {
		return direct.Cloud{Kinds: cloud.Kinds, Region: p.Region, Metadata: cloud.Metadata, Stated: stated, Credentials: cloud.Credentials}
	}
	source, metadataErr := registry.OpenMetadata(p.Name, settings)
	if metadataErr != nil {
		source = nil
	}
	return direct.Cloud{Region: p.Region, Metadata: source, Stated: stated, Err: err}
}
