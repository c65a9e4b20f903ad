// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package election decides which node of a cluster owns each group of floating
// IPs. It is a pure state machine: facts go in as events, actions come out, and
// it does no I/O, reads no clock, starts no goroutine, draws no random number
// and writes no log.
//
// It is the only place where roles change. The rules follow RFC 9568 section 6
// with the deviations listed in docs/design.md: no preemption by default, a
// takeover needs evidence that the owner is gone, two active nodes settle by an
// ordered list, and every planned move is an agreed handover.
//
// Whoever drives a [Machine] must
//
//  1. call Step from one goroutine, with instants that never run backwards,
//  2. call Step with Tick when the instant of Deadline has come,
//  3. process every datagram already received before any write leaves
//     (invariant 7),
//  4. carry out the returned actions in order and before the next Step, because
//     the slice and what it points to are reused, and
//  5. let a cloud write leave only while Permit says so (invariant 1).
package election
