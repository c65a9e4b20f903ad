// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Command fipctl moves floating IPs between the nodes of a cluster. This package
// turns arguments into calls and outcomes into text, JSON and exit codes; it
// decides nothing. One file holds one command.
//
// Results go to standard output, everything else to standard error. The exit
// codes are those of package status; status --check returns those of monitoring
// plugins instead.
package main

import (
	"context"
	"os"

	"golang.org/x/term"
)

func main() {
	if code, ok := startService(); ok {
		os.Exit(code)
	}
	a := &app{
		out:      os.Stdout,
		err:      os.Stderr,
		terminal: term.IsTerminal(int(os.Stdout.Fd())),
	}
	os.Exit(int(a.execute(context.Background(), os.Args[1:])))
}
