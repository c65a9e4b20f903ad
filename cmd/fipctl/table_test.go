// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"log/slog"
	"strconv"
	"sync"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
)

// cloudTable finds the fake cloud of a script again; scripts run in parallel.
type cloudTable struct {
	mu     sync.Mutex
	models map[string]*fakecloud.Model
	apis   map[string]*fakedo.Server
}

func newCloudTable() *cloudTable {
	return &cloudTable{models: map[string]*fakecloud.Model{}, apis: map[string]*fakedo.Server{}}
}

func (t *cloudTable) put(dir string, m *fakecloud.Model, api *fakedo.Server) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.models[dir], t.apis[dir] = m, api
}

func (t *cloudTable) get(dir string) (*fakecloud.Model, *fakedo.Server) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.models[dir], t.apis[dir]
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func itoa(n int) string { return strconv.Itoa(n) }
