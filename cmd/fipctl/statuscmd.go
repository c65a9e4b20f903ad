// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fipctl/fipctl/internal/status"
)

// watchInterval is the time between two looks of status --watch.
const watchInterval = time.Second

// clearScreen moves the cursor home and clears the terminal (ECMA-48 CUP, ED).
const clearScreen = "\x1b[H\x1b[2J"

// statusFlags are the flags of one status command.
type statusFlags struct {
	output               format
	watch, check, direct bool
}

func (a *app) statusCommand() *cobra.Command {
	var f statusFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show who owns each address now",
		Long: `Show who owns each address now, what every node does about it and why. It works on every node.

With --check the answer is one line and an exit code for monitoring plugins: 0 every address is owned by the elected
node, 1 degraded, 2 an address is owned by nobody in the cluster, 3 unknown or no daemon.`,
		Args: wants(0, 0),
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd)
			defer stop()
			if err := f.conflict(); err != nil {
				return err
			}
			if f.watch {
				return a.watchStatus(ctx, cmd)
			}
			s, err := a.snapshot(ctx, cmd, f.direct)
			if f.check {
				return a.checkStatus(s, err)
			}
			if err != nil {
				return err
			}
			if err := a.showStatus(s, f.output); err != nil {
				return err
			}
			return unread(s)
		}),
	}
	addOutput(cmd, &f.output)
	cmd.Flags().BoolVarP(&f.watch, "watch", "w", false, "show again every second until interrupted")
	cmd.Flags().BoolVar(&f.check, "check", false, "one line and an exit code for monitoring plugins")
	cmd.Flags().BoolVar(&f.direct, "direct", false, "read the owners from the cloud, without a daemon")
	return cmd
}

// conflict refuses flags that do not go together.
func (f statusFlags) conflict() error {
	switch {
	case f.watch && f.check:
		return usage("status: --watch and --check exclude each other")
	case f.watch && f.direct:
		return usage("status: --watch and --direct exclude each other; the cloud limits how often it may be asked")
	case f.watch && f.output == formatJSON:
		return usage("status: --watch and -o json exclude each other; JSON output is one document")
	case f.check && f.output == formatJSON:
		return usage("status: --check and -o json exclude each other")
	}
	return nil
}

// snapshot asks the daemon, or the cloud.
func (a *app) snapshot(ctx context.Context, cmd *cobra.Command, direct bool) (status.Snapshot, error) {
	if direct {
		cluster, err := a.cluster()
		if err != nil {
			return status.Snapshot{}, err
		}
		return cluster.Snapshot(ctx), nil
	}
	client, err := a.client(cmd)
	if err != nil {
		return status.Snapshot{}, err
	}
	return client.Status(ctx)
}

func (a *app) showStatus(s status.Snapshot, f format) error {
	if f == formatJSON {
		return a.print(s)
	}
	_, err := fmt.Fprint(a.out, status.Text(s, status.TextOptions{Width: a.width(), Colour: a.colour()}))
	return err
}

// checkStatus answers a monitoring plugin, which reads one line and knows no
// other codes than its own.
func (a *app) checkStatus(s status.Snapshot, err error) error {
	code, line := status.Check(s)
	if err != nil {
		code, line = status.CheckUnknown, fmt.Sprintf("FIPCTL UNKNOWN: %v", err)
	}
	fmt.Fprintln(a.out, line)
	return silently(status.Code(code))
}

// unread reports the addresses that the cloud was asked for in vain; their
// errors are on the page already.
func unread(s status.Snapshot) error {
	if s.Source != status.SourceCloud {
		return nil
	}
	for _, g := range s.Groups {
		for _, address := range g.Addresses {
			if address.ReadError != "" {
				return silently(status.CodeFailed)
			}
		}
	}
	return nil
}

// watchStatus shows the status until ctx ends. A daemon that goes away is shown
// as such and looked for again.
func (a *app) watchStatus(ctx context.Context, cmd *cobra.Command) error {
	client, err := a.client(cmd)
	if err != nil {
		return err
	}
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		s, err := client.Status(ctx)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		text := status.Text(s, status.TextOptions{Width: a.width(), Colour: a.colour()})
		if err != nil {
			text = fmt.Sprintf("fipctl: %v\n", err)
		}
		if a.terminal {
			text = clearScreen + text
		} else {
			text += "\n"
		}
		if _, err := fmt.Fprint(a.out, text); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
