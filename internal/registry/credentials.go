// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/fipctl/fipctl/internal/trust"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// tokenMax bounds a token, in bytes; those in use have 71. A longer file is some
// other file.
const tokenMax = 4096

// tokenFileMax bounds the file, in bytes: a token with some white space around it.
const tokenFileMax = 2 * tokenMax

// bearerToken finds the token: the file if one is configured, else the first of
// the variables that is not blank. It returns how to read it again and where it
// comes from, and has read it once. A configured file that cannot be used is an
// error and no reason to look further: a node must not act under credentials that
// nobody meant.
func bearerToken(s Settings, variables []string) (read cloudhttp.TokenSource, from string, err error) {
	if s.TokenFile != "" {
		read = func() (cloudhttp.Secret, error) { return readTokenFile(s) }
		_, err := read()
		return read, "file " + s.TokenFile, err
	}
	for _, name := range variables {
		value, _ := s.LookupEnv(name)
		if strings.TrimSpace(value) == "" {
			continue
		}
		secret, err := parseBare(value)
		if err != nil {
			return nil, "", fmt.Errorf("environment %s: %w", name, err)
		}
		return func() (cloudhttp.Secret, error) { return secret, nil }, "environment " + name, nil
	}
	return nil, "", fmt.Errorf("no API token; set token_file, or one of %s in the environment", strings.Join(variables, ", "))
}

// readTokenFile reads the token file.
func readTokenFile(s Settings) (cloudhttp.Secret, error) {
	text, err := s.readSecret("token file", s.TokenFile, tokenFileMax)
	if err != nil {
		return cloudhttp.Secret{}, err
	}
	secret, err := parseBare(text)
	if err != nil {
		return cloudhttp.Secret{}, fmt.Errorf("read token file %s: %w", s.TokenFile, err)
	}
	return secret, nil
}

// readSecret reads a file that holds a secret, of at most so many bytes.
func (s Settings) readSecret(what, path string, most int64) (string, error) {
	secret, err := s.Trusted.ReadSecret(path, most)
	switch {
	case trust.Passing(err):
		return "", passing{fmt.Errorf("read %s: %w", what, err)}
	case err != nil:
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	return string(secret.Text), nil
}

// passing is an error that may be gone at the next attempt.
type passing struct{ error }

func (passing) Temporary() bool { return true }
func (e passing) Unwrap() error { return e.error }

// assigned is how a token begins that was copied with the name of a variable before it. What
// ends in = alone may be a token.
var assigned = regexp.MustCompile(`^(export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*[^=\s]`)

// Unreadable is the fingerprint of a file that cannot be read.
const Unreadable = "unreadable"

// fingerprint returns a sum over the file of the credentials or Unreadable; empty without a
// file, and where it cannot be told at the moment.
func (s Settings) fingerprint() string {
	file := cmp.Or(s.TokenFile, s.CredentialsFile)
	if file == "" {
		return ""
	}
	secret, err := s.Trusted.ReadSecret(file, pairFileMax)
	switch {
	case trust.Passing(err):
		return ""
	case err != nil:
		return Unreadable
	}
	sum := sha256.Sum256([]byte(secret.Text))
	return string(sum[:])
}

// parseBare is parseToken where nothing but the token stands: neither the name of a variable
// nor quotes, which other kinds of file have.
func parseBare(value string) (cloudhttp.Secret, error) {
	switch value = strings.TrimSpace(value); {
	case assigned.MatchString(value):
		return cloudhttp.Secret{}, errors.New("the token begins with a name and =; put the token alone there, without NAME=")
	case value != "" && strings.ContainsAny(value[:1]+value[len(value)-1:], "\"'`"):
		return cloudhttp.Secret{}, errors.New("the token stands in quotes; put the token alone there, without them")
	}
	return parseToken(value)
}

// parseToken trims white space and refuses what cannot be sent in a header. Its
// errors show nothing of the value.
func parseToken(value string) (cloudhttp.Secret, error) {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return cloudhttp.Secret{}, errors.New("the token is empty")
	case len(value) > tokenMax:
		return cloudhttp.Secret{}, fmt.Errorf("the token is longer than %d bytes", tokenMax)
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return cloudhttp.Secret{}, errors.New("the token contains a space, a line break or a special character; it must be one word")
	}
	return cloudhttp.NewSecret(value), nil
}
