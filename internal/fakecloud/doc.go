// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package fakecloud is a cloud without a network: one deterministic model of who
// holds which address, shared by the HTTP faces of all vendors, by the lab and by
// the simulator, so that a driver cannot agree with a fake that nothing else
// agrees with.
//
// The model does no I/O, starts no goroutine, sets no timer and uses no
// randomness. What is due later (an operation that completes, a write that
// arrives late, an event that ends) is applied at its own instant when the model
// is next looked at. Callers
//
//  1. inject the clock; an instant earlier than one already seen counts as the
//     latest seen,
//  2. who need to act on a change without looking poll [Model.Next], and
//  3. may call everything from several goroutines at once, also from within an
//     [Model.OnChange] function.
package fakecloud
