// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package config reads the one YAML file that describes a cluster and turns it
// into values that the rest of the program can rely on.
//
// [Load] decodes strictly and reports every problem of the file at once: where it
// is, what was given, what is allowed, what to do. It works in two layers: raw
// structs, whose pointers tell an absent key from a zero, and the validated
// structs of [Config], which hold real types and no absent values.
//
// The package opens no socket, asks no cloud and changes no file; it looks at the
// configuration, at the key file, and at the mode of every token file. What needs
// the outside, such as a token that no longer works, is the business of
// "fipctl check --online".
//
// Callers treat a Config as read-only: it may be shared between goroutines.
package config
