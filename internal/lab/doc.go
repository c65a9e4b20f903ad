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
// no network and no account. As root the same stories can be played in network
// namespaces, where interfaces, kernels and announcements are real.
//
// What can vary is behind three things:
//
//   - an offer is one kind of address of one provider; its vendor is the fake of that
//     cloud, and everything that a scenario does to a cloud goes by the one ownership
//     model below it;
//   - a ground is where the cluster stands: loopback or namespaces;
//   - a scenario is a story with what must come of it. It is written for a cloud that
//     moves an address in one call; what another kind must show follows from how it
//     moves, and a story that does not apply says why.
//
// The lab never decides anything for the daemons: it reads their status and their
// logs as an operator would. No limit of time is an expectation; how long things
// took goes into the table. A story is judged by the order of what happened, by the
// times in logs and in the cloud's journal, and never by the moment at which the lab
// looked: beside other work the lab and the daemons stand still now and then.
//
// Callers
//
//  1. call [ServiceMain] before anything else in main, and
//  2. let [Run] return: it leaves no process and no file behind, also when its
//     context ends or a signal arrives.
package lab
