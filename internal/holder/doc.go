// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package holder finds which process has a port or answers on a socket, for the error of
// one that cannot have it as well. It asks /proc and the kernel, sends nothing, and says
// so when something cannot be told: what another user's process has open is for root to
// see.
package holder
