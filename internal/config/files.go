// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/fipctl/fipctl/pkg/election/wire"
)

// keyFile reads the keys of the cluster. The problems are reported where the
// file is named.
func (b *builder) keyFile(path, file string) {
	if !b.secretFile(path, file, "run \"fipctl keygen --output "+file+"\" on one node and copy the file to all") {
		return
	}
	text, err := b.opts.ReadFile(file)
	if err != nil {
		b.errorf(path, "%s cannot be read: %v; run fipctl as the user who owns it", file, bare(err))
		return
	}
	ring, err := wire.ParseKeyring(text)
	if err != nil {
		b.errorf(path, "%s: %s", file, strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	b.cfg.Cluster.Keyring = ring
}

// secretFile reports whether a file exists and only its owner can read it. The
// remedy says how to get one.
func (b *builder) secretFile(path, file, remedy string) bool {
	if b.opts.SkipFiles {
		return false
	}
	info, err := b.opts.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		b.errorf(path, "%s does not exist; %s", file, remedy)
	case err != nil:
		b.errorf(path, "%s cannot be looked at: %v; check the permissions of the folders above it", file, bare(err))
	case !info.Mode().IsRegular():
		b.errorf(path, "%s is no regular file; %s", file, remedy)
	case info.Mode().Perm()&0o077 != 0:
		b.errorf(path, "%s is open to others (mode %04o), allowed is its owner alone; run: chmod 600 %s", file, info.Mode().Perm(), file)
	default:
		return true
	}
	return false
}

// bare returns the cause of an error about a path that the message names already.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
