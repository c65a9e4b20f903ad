// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package status is what a running daemon tells an operator and what an operator
// may ask of it: the snapshot and its two forms (JSON and text), and the control
// protocol over a unix socket with its server and its client.
//
// It never decides and never talks to a cloud. Whoever implements [Backend]
//
//  1. returns from Snapshot at once, from something already published,
//  2. explains every state: a role, a refusal or a wait without a reason is a bug,
//  3. ends every operation when its context ends, and
//  4. calls report only from the goroutine in which the operation was called.
package status
