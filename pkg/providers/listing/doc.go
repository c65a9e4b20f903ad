// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package listing helps drivers that read many addresses in one call.
package listing
