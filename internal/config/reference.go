// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	_ "embed"
	"slices"
)

//go:embed reference.yaml
var reference []byte

// Reference returns the annotated file that names every key with its default.
func Reference() []byte { return slices.Clone(reference) }
