// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package transport carries datagrams between nodes: over UDP, or through an
// in-memory network whose links the test controls. It knows nothing of what is
// in them.
//
// It starts no goroutine and never logs. Losing a datagram is not an error:
// the sender repeats itself at the next advert.
//
// Callers must
//
//  1. run [Inbox.Run] in one goroutine and take datagrams only from the Inbox,
//  2. call [Inbox.Fill] and process what [Inbox.Take] then gives before a cloud
//     write leaves (invariant 7): what the kernel holds has been received,
//     whether or not the reading goroutine got to run, and
//  3. treat [Packet.Refused] as a label, never as evidence: it is not signed.
package transport
