// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every form of a Secret shows.
const redacted = "[redacted]"

// Secret is a value that must not be seen: every way to print, log or encode it
// yields a placeholder. The zero Secret is empty.
type Secret struct{ value string }

var (
	_ fmt.Formatter  = Secret{}
	_ slog.LogValuer = Secret{}
	_ json.Marshaler = Secret{}
)

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value itself, for the one place that sends it.
func (s Secret) Reveal() string { return s.value }

// IsEmpty reports whether there is nothing to hide.
func (s Secret) IsEmpty() bool { return s.value == "" }

// String returns a placeholder.
func (Secret) String() string { return redacted }

// Format writes a placeholder whatever the verb; without it %x and %d would
// print the bytes of the value.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns a placeholder as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
