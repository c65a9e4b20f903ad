// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package wire turns adverts and probes into signed datagrams and back. The
// bytes are described in docs/wire.md, whose examples are the test vectors.
//
// It is pure: no I/O, no clock, no randomness, no logger. Nothing that arrives
// makes it panic, and decoding allocates no more than a fixed multiple of the
// datagram's size. It checks who sent a datagram, for whom, and that the
// signature fits; whether the datagram is fresh (session, sequence, echo) is
// decided by the election machine.
//
// Callers must
//
//  1. believe a [Message] only when [Receiver.Decode] returned
//     election.ReasonNone; on other reasons Message.From is merely a claim,
//  2. compare the source address themselves: it is not signed, and a claim made
//     from a foreign address holds back nothing,
//  3. copy what they keep of a Message before decoding into it again, and
//  4. answer a probe request with at most as many bytes as it had, and at a
//     limited rate, so that nobody can use a node to amplify traffic.
package wire
