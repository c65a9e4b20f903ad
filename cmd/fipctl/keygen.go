// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fipctl/fipctl/pkg/election/wire"
)

func (a *app) keygenCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Write a new cluster key",
		Long: `Write a new cluster key, one line of base64, to standard output or to a file that only its owner can read. All nodes
of a cluster need the same key file. To change keys without a gap, append the new line on all nodes, then move it to the
top on all nodes, then remove the old one.`,
		Args: wants(0, 0),
		RunE: run(func(*cobra.Command, []string) error {
			key, err := wire.NewKey(rand.Reader)
			if err != nil {
				return fmt.Errorf("make key: %w", err)
			}
			key = strings.TrimSpace(key) + "\n"
			if path == "" {
				_, err := fmt.Fprint(a.out, key)
				return err
			}
			return writeKey(path, key)
		}),
	}
	cmd.Flags().StringVar(&path, "output", "", "file to write, with mode 0600; an existing one is not overwritten")
	return cmd
}

// writeKey makes a file that nobody else can read, at no moment, and that holds
// the whole key or is not there.
func writeKey(path, key string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write key to %s: the file exists and is left alone; remove it first or choose another name", path)
	}
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	_, err = file.WriteString(key)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		os.Remove(path)
		return fmt.Errorf("write key to %s: %w", path, err)
	}
	return nil
}
