// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package daemon is fipctl run: it joins the election, the controller, the
// network, the clouds, the checks and the control socket, and owns every
// goroutine of the process.
//
// One goroutine, the engine, owns the election machine and the state of the
// controller. It never waits for a cloud, a check or a client: those run beside
// it and put what they found into its inbox. Everything that decides lives in
// packages election and controller; this package only carries facts in and
// actions out.
//
// Signals: SIGTERM and SIGINT hand over and leave, a second one leaves at once;
// SIGUSR1 leaves for a restart and moves nothing; SIGHUP reads the configuration
// again and moves nothing.
package daemon
