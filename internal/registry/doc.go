// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package registry is the only place that names all drivers. It tells the
// configuration what each of them can do, and makes a driver and its metadata
// source out of what the configuration says. It does no I/O on the network and
// holds no state; credentials are read each time a driver needs them.
package registry
