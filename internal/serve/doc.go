// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package serve is an HTTP server for neighbours who mean well and may be broken: the
// control socket, the one that only reads, and metrics. Connections are bounded, and one
// that asks nothing keeps nobody out: when a new one finds no room, the one that has
// waited longest without a request under way makes way. A request that runs is never
// ended for another; while nothing but such fill the room, new ones wait in the kernel's
// backlog. It logs nothing of its own and knows nothing of what is served.
package serve
