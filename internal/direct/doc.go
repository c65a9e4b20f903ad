// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package direct reads and moves addresses without a daemon: what an operator
// does by hand when no daemon runs, with the same driver contract and the same
// outcomes. It also holds the read-only questions of an online check.
//
// It elects nobody and remembers nothing. It never writes while a daemon of the
// cluster answers, unless forced, because a daemon would see the move as a hand
// in the console and might undo it. The caller
//
//  1. fills a [Cluster] from a valid configuration,
//  2. gives every call a context, and
//  3. makes sure that one operator at a time moves a group: without daemons there
//     is no write gate (invariant 1).
package direct
