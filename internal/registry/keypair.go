// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// keyPair is an id and the secret that signs requests in its name. One that is lent
// for a time comes with a token.
type keyPair struct {
	id         string
	key, token cloudhttp.Secret
}

// pairNames are what a provider calls the parts of a key pair, in the environment and
// in a file alike.
type pairNames struct{ id, key, token string }

// pairFileMax bounds a file with a key pair, in bytes. Tokens have up to some 2 KiB.
const pairFileMax = 16 << 10

// errNoKeyPair says that neither a file is configured nor the environment set.
var errNoKeyPair = errors.New("no key pair")

// findKeyPair finds the key pair: the file if one is configured, else the environment.
// It returns how to read it again and where it comes from, and has read it once. As
// with a token, a configured file that cannot be used ends the search, and so does an
// environment that has one part without the other.
func findKeyPair(s Settings, names pairNames) (read func() (keyPair, error), from string, err error) {
	if s.CredentialsFile != "" {
		read = func() (keyPair, error) { return readPairFile(s, names) }
		_, err := read()
		return read, "file " + s.CredentialsFile, err
	}
	values := map[string]string{}
	for _, name := range []string{names.id, names.key, names.token} {
		value, _ := s.LookupEnv(name)
		values[name] = strings.TrimSpace(value)
	}
	if values[names.id] == "" && values[names.key] == "" {
		return nil, "", errNoKeyPair
	}
	pair, err := names.pair(values)
	if err != nil {
		return nil, "", fmt.Errorf("environment: %w", err)
	}
	return func() (keyPair, error) { return pair, nil }, "environment " + names.id, nil
}

// readPairFile reads lines of NAME=value, as systemd takes them for an EnvironmentFile:
// blank lines and those that begin with # are left out, a value may stand in quotes.
func readPairFile(s Settings, names pairNames) (keyPair, error) {
	path := s.CredentialsFile
	text, err := s.readSecret("credentials file", path, pairFileMax)
	if err != nil {
		return keyPair{}, err
	}
	values := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		switch {
		case !found || name != names.id && name != names.key && name != names.token:
			return keyPair{}, fmt.Errorf("read credentials file %s: line %d begins with none of %s=, %s=, %s=",
				path, i+1, names.id, names.key, names.token)
		case values[name] != "":
			return keyPair{}, fmt.Errorf("read credentials file %s: line %d gives %s again; keep one", path, i+1, name)
		}
		values[name] = unquote(strings.TrimSpace(value))
	}
	pair, err := names.pair(values)
	if err != nil {
		return keyPair{}, fmt.Errorf("read credentials file %s: %w", path, err)
	}
	return pair, nil
}

// pair makes a key pair of the values by name. Its errors show nothing of them.
func (n pairNames) pair(values map[string]string) (keyPair, error) {
	var secrets [3]cloudhttp.Secret
	for i, name := range []string{n.id, n.key, n.token} {
		if name == n.token && values[name] == "" {
			continue // a pair of its own, not one that is lent
		}
		secret, err := parseToken(values[name])
		if err != nil {
			return keyPair{}, fmt.Errorf("%s: %s", name, strings.Replace(err.Error(), "the token", "the value", 1))
		}
		secrets[i] = secret
	}
	return keyPair{id: secrets[0].Reveal(), key: secrets[1], token: secrets[2]}, nil
}

// unquote takes off a pair of quotes around a value.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == s[len(s)-1] && (s[0] == '"' || s[0] == '\'') {
		return s[1 : len(s)-1]
	}
	return s
}
