// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

//go:build race

package wire

// raceEnabled: the race detector makes sync.Pool forget at random.
const raceEnabled = true
