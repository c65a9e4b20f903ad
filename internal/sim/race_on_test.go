// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

//go:build race

package sim

// underRace says that the race detector makes a history take several times as long.
const underRace = true
