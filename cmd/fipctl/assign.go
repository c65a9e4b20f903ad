// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/fipctl/fipctl/internal/status"
)

func (a *app) assignCommand() *cobra.Command {
	var (
		r      status.AssignRequest
		direct bool
		p      = progress{app: a}
	)
	cmd := &cobra.Command{
		Use:   "assign GROUP",
		Short: "Move a group to this node, or to another one",
		Long: `Move a group to this node, or to another one, and return when the cloud confirms it. A group that is already there
is done. The move is agreed between the daemons: nothing is interrupted where the cloud moves in one call. A group that
was placed by hand stays until "fipctl resume" or a failure.

With --direct no daemon is needed: the command reads the owner, makes one write and reads until the cloud confirms it.
It refuses while a daemon of the cluster answers.`,
		Args:              wants(1, 1, "GROUP"),
		ValidArgsFunction: a.completeGroups,
		RunE: run(func(cmd *cobra.Command, args []string) error {
			r.Group = args[0]
			if r.Timeout < 0 {
				return usage("assign: --timeout %v is negative", r.Timeout)
			}
			ctx, stop := interruptible(cmd)
			defer stop()
			if direct {
				cluster, err := a.cluster()
				if err != nil {
					return err
				}
				return p.finish(cluster.Assign(ctx, r, p.report))
			}
			client, err := a.client(cmd)
			if err != nil {
				return err
			}
			o, err := client.Assign(ctx, r, p.report)
			if err != nil {
				return err
			}
			return p.finish(o)
		}),
	}
	addOutput(cmd, &p.format)
	flags := cmd.Flags()
	flags.StringVar(&r.To, "to", "", "node that takes the group (default: this node)")
	addTimeout(cmd, &r.Timeout)
	flags.BoolVar(&r.DryRun, "dry-run", false, "say what would happen and change nothing")
	flags.BoolVar(&r.Force, "force", false, "go on where the command would refuse for safety")
	flags.BoolVar(&direct, "direct", false, "act on the cloud without a daemon")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("to", a.completeNodes))
	return cmd
}

func addTimeout(cmd *cobra.Command, d *time.Duration) {
	cmd.Flags().DurationVar(d, "timeout", 0, "how long to wait for the move, such as 30s (default: as long as the cloud may take)")
}
