// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package netlab is a small cloud network on one Linux machine: every node and a
// client have a network namespace of their own, and a fabric in this process
// carries packets between them as a virtual private cloud does and Ethernet does
// not.
//
// What a node sends reaches nobody because of what it claims about itself. The
// fabric answers ARP for the whole subnet with its own MAC, floods nothing, and
// delivers by the word of a [Binding], which is the fake cloud's. A gratuitous ARP
// moves nothing here; the Binding is told of it and may move an address whose kind
// works so. A node may send only from addresses that it holds. Public addresses are
// translated one to one in both directions, and each node finds its own metadata
// service and the cloud's API at the usual link-local addresses. Links can be cut,
// one direction at a time.
//
// The namespaces have no name and the interfaces hang on open files, so nothing can
// remain on the machine, however this process ends, and two labs cannot meet.
// Nothing connects a namespace to the machine's own network. IPv6 is off inside.
//
// What is decided about a frame (vpc.go, arp.go, packet.go) is pure and needs no
// privileges; files that end in _linux hold the devices and namespaces, and need
// root.
//
// Callers
//
//  1. call [Open], then [Fabric.Run] in one goroutine, then anything else,
//  2. end every process started inside before [Fabric.Close], which cannot, and
//  3. give a [Binding] that answers at once, from several goroutines at a time.
package netlab
