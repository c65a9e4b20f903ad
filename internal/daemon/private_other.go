// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

//go:build !linux

package daemon

// keepPrivate does nothing; for development only.
func keepPrivate() error { return nil }
