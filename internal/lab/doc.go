// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package lab is `fipctl lab`: two or three real daemons, a fake cloud, a floating IP
// and a client on one machine, and stories in which something goes wrong with
// them. It is the quickest way to see what fipctl does, and the test of the whole.
//
// The daemons and the services behind them are processes of their own, started
// from the program's own executable, so that SIGKILL means what it says. The
// cloud, the network between the nodes and the floating IP are played by the lab
// on random loopback addresses; two labs can run at once. It needs no privileges,
// no network and no account.
//
// The lab never decides anything for the daemons: it reads their status and their
// logs as an operator would. No limit of time is an expectation; how long things
// took goes into the table.
//
// Callers
//
//  1. call [ServiceMain] before anything else in main, and
//  2. let [Run] return: it leaves no process and no file behind, also when its
//     context ends or a signal arrives.
package lab
