// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"sync"
)

const (
	keySize = 32 // bytes; the output size of SHA-256, as RFC 2104 section 3 advises

	// keysMax bounds a key file. A rotation needs two keys; more than a handful
	// means that old ones were never removed.
	keysMax = 8

	redacted = "[redacted]"
)

// Keyring holds the keys of a cluster: the first signs, all verify. The zero
// Keyring signs nothing and verifies nothing. It is safe for concurrent use, may
// be copied, and never shows a key in text, JSON or logs.
type Keyring struct{ keys []*key }

// key keeps the secret only inside its signers, out of the reach of %+v.
type key struct {
	id      [keyIDSize]byte
	signers sync.Pool
}

// signer is one reusable HMAC state and the room for its result.
type signer struct {
	mac hash.Hash
	tag [tagSize]byte
}

// ParseKeyring reads a key file: one base64 key of 32 bytes a line, blank lines
// and comments from # to the end of the line left out. The error names every bad
// line by its number and never shows what stands there.
func ParseKeyring(file []byte) (Keyring, error) {
	var (
		ring     Keyring
		problems []error
		seen     = map[[keySize]byte]int{}
	)
	number := 0
	for line := range bytes.Lines(file) {
		number++
		text, _, _ := bytes.Cut(line, []byte("#"))
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			continue
		}
		secret, err := parseKey(text)
		if first := seen[secret]; err == nil && first != 0 {
			err = fmt.Errorf("the same key as in line %d; remove one of them", first)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		seen[secret] = number
		ring.keys = append(ring.keys, newKey(secret))
	}
	switch {
	case len(problems) > 0:
		return Keyring{}, fmt.Errorf("parse key file: %w", errors.Join(problems...))
	case len(ring.keys) == 0:
		return Keyring{}, errors.New("parse key file: no key in it; write one with `fipctl keygen`")
	case len(ring.keys) > keysMax:
		return Keyring{}, fmt.Errorf("parse key file: %d keys, at most %d are allowed; remove the old ones", len(ring.keys), keysMax)
	}
	return ring, nil
}

func parseKey(text []byte) (secret [keySize]byte, err error) {
	raw, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	if err != nil {
		// The decoder's own error may quote the input.
		return secret, errors.New("not base64; a key is one line written by `fipctl keygen`")
	}
	if len(raw) != keySize {
		return secret, fmt.Errorf("a key of %d bytes, must be %d; write one with `fipctl keygen`", len(raw), keySize)
	}
	return [keySize]byte(raw), nil
}

func newKey(secret [keySize]byte) *key {
	sum := sha256.Sum256(secret[:])
	k := &key{id: [keyIDSize]byte(sum[:keyIDSize])}
	k.signers.New = func() any { return &signer{mac: hmac.New(sha256.New, secret[:])} }
	return k
}

// NewKey draws a key from rand and returns it as a line of a key file, without
// the line end. It fails only if rand does.
func NewKey(rand io.Reader) (string, error) {
	var secret [keySize]byte
	if _, err := io.ReadFull(rand, secret[:]); err != nil {
		return "", fmt.Errorf("draw key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(secret[:]), nil
}

// IDs returns the ids of the keys in hexadecimal, the signing one first. They
// travel in clear with every datagram and tell operators which nodes share a key.
func (k Keyring) IDs() []string {
	ids := make([]string, 0, len(k.keys))
	for _, key := range k.keys {
		ids = append(ids, hex.EncodeToString(key.id[:]))
	}
	return ids
}

// sign appends the HMAC of b[from:] to b.
func (k *key) sign(b []byte, from int) []byte {
	s := k.signers.Get().(*signer)
	defer k.signers.Put(s)
	return append(b, s.sum(b[from:])...)
}

// verify reports whether tag is the HMAC of b, in constant time.
func (k *key) verify(b, tag []byte) bool {
	s := k.signers.Get().(*signer)
	defer k.signers.Put(s)
	return hmac.Equal(s.sum(b), tag)
}

func (s *signer) sum(b []byte) []byte {
	s.mac.Reset()
	s.mac.Write(b) // hash.Hash: never returns an error
	return s.mac.Sum(s.tag[:0])
}

// String returns a fixed placeholder.
func (Keyring) String() string { return redacted }

// GoString returns a fixed placeholder.
func (Keyring) GoString() string { return redacted }

// LogValue returns a fixed placeholder.
func (Keyring) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a fixed placeholder.
func (Keyring) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns a fixed placeholder.
func (Keyring) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
