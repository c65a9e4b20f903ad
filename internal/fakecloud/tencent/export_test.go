// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

// Sparings are what the table has.
var Sparings = sparings
