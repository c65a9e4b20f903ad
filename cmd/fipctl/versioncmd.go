// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  wants(0, 0),
		RunE: run(func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.out, "fipctl %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}),
	}
}

// version returns the module's version as the Go tool recorded it. A build from
// a checkout has one that is derived from the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
