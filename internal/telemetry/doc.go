// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package telemetry counts what the daemon does and shows it to Prometheus. It
// holds every metric name of the project, decides nothing, keeps no global
// state, and starts nothing.
//
// Whoever records must
//
//  1. take label values from the configuration or from the closed word lists of
//     the packages election and providers, never from a datagram or a reply, so
//     that nobody outside can make new series, and
//  2. call SetGroups and SetPeers after loading the configuration, so that every
//     series exists before its first event and those of removed groups go away.
//
// docs/metrics.md describes each metric; a test compares it with this package.
package telemetry
