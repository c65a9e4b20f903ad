// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package providers is the contract between fipctl and a cloud: the values that
// describe an address and its owner, the few calls a driver makes, and the kinds
// of error it may return. One sub-package per cloud implements it; this package
// imports none of them.
//
// A driver never retries a write, never starts a goroutine, never logs, never
// touches the kernel, and keeps no state that a restart would lose. The caller
//
//  1. gives every call a context with a deadline,
//  2. never has two writes for the same address in flight,
//  3. reads the owner again after every write before believing anything
//     (invariant 6), and
//  4. decides by [Kind] alone; status codes and vendor texts end at the driver.
package providers
