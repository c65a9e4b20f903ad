// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package providertest is the conformance suite that every driver passes. A driver
// brings a [Harness] over a fake of its cloud and calls [Run]; each case states
// the rule of package providers it protects, and prints it when it fails.
//
// The suite knows no cloud. What depends on how a cloud moves addresses is taken
// from the driver's Capabilities: clouds that move in one write, clouds that detach
// and attach, and kinds that a guest moves by an announcement pass the same cases.
// What capabilities do not tell is in the harness's [Traits]. A case that does not
// apply is skipped with the reason, never passed in silence.
//
// A harness tells the truth about its fake without going through the driver, and
// no operation completes before Settle. The suite gives Assign only what an Owner read
// has shown, as the contract demands: an Assignment may carry more than its target.
package providertest
