// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package face is what the HTTP faces of all fake clouds share: it receives a
// request, plays the scripted fault that matches it, lets the vendor answer,
// keeps the journal, and serves on a real listener. It knows no vendor's format
// and decides nothing about ownership.
//
// A request is delayed by the base latency before the vendor sees it; a caller
// that leaves in that time changes nothing. What the vendor has done stays done,
// whatever then happens to the answer.
package face
