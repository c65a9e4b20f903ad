// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package metadata answers who and where this machine is, from each cloud's
// metadata service. Identities live in memory only: one remembered on disk would
// make a machine cloned from an image act as its original (invariant 6).
package metadata
