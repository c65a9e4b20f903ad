// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package serve is an HTTP server for neighbours who mean well and may be broken: the
// control socket, the one that only reads, and metrics. Connections are bounded, and no
// client keeps others out by what it does not do: when a new one finds no room, the one
// that has been waited for longest makes way, be it for a request, for the rest of it or
// for room for the answer. While the server itself works on a request, nobody ends it for
// another; while nothing but such fill the room, new ones wait in the kernel's backlog. It
// logs nothing of its own and knows nothing of what is served.
package serve
