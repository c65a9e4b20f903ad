// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package health asks whether the service on this node works and turns the
// answers into what the election needs: a fault, or a change of priority.
//
// It has three parts. [Counter] and [Evaluate] are pure: results in, states and a
// [Verdict] out. A [Probe] asks one question: [HTTP], [TCP], [Exec] or [Process].
// A [Runner] asks it again and again and hands every [Result] to its caller.
//
// The package changes no role, writes no log and starts nothing by itself. The
// caller
//
//  1. runs each Runner once, in a goroutine of its own,
//  2. gives it a Report function that returns at once, and
//  3. treats a group as not healthy until every check has been asked
//     ([Verdict.Known]), and knows by [Verdict.Untold] which could not tell.
package health
