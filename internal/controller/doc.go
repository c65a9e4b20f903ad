// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package controller keeps bound equal to elected. What to do is chosen by
// [Decide], a pure function of what the election permits and what the cloud
// last said; [Runner] carries its writes out, one of a group at a time. [Reader]
// makes the reads, which concern many groups at once, and [Budget] spaces those that
// no claim waits for.
//
// It never changes a role: facts go back to the election as events. The caller
//
//  1. gives every result of a Runner to Decide and to the election before it
//     asks Decide again,
//  2. answers a Runner that asks for the permit only after every datagram
//     already received has been processed (invariant 7), and
//  3. never waits for a Runner: results come by callback.
package controller
