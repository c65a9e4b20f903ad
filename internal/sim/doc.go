// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package sim plays whole clusters on virtual time: the real election machines, the
// real choice of cloud steps with its write gate, and the ownership model of
// package fakecloud, among faults that one seed decides.
//
// A history has three phases. In the first, faults of the kinds that the seed drew
// come and go, and checkers watch what the nodes issue, given what they know. In the
// second, the faults end for the nodes that survive, and the cluster must converge
// within a budget computed from its configuration. In the third, quiet drills show
// what only a quiet cluster promises: a restart moves nothing, a planned move leaves
// no gap, reads keep to their budget.
//
// Every checker is named after the invariant of docs/design.md section 3 that it
// guards, and follows the nodes from outside of their machines. Nothing here reads a
// clock or draws from a shared source of chance: the same seed gives the same
// history, on every machine, until the code under test changes.
//
// It does not play sockets, signatures or drivers: those have tests of their own,
// and the lab joins them.
package sim
