// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"github.com/spf13/cobra"

	"github.com/fipctl/fipctl/internal/status"
)

func (a *app) drainCommand() *cobra.Command {
	var (
		r status.DrainRequest
		p = progress{app: a}
	)
	cmd := &cobra.Command{
		Use:   "drain [GROUP]",
		Short: "Hand over and keep this node out until resumed",
		Long: `Hand over what this node owns and keep it out of one group, or of all, until "fipctl resume". It stays out after a
restart. Where no other node could take over the command refuses; with --force the node is drained all the same and the
address stays where it is.`,
		Args:              wants(0, 1),
		ValidArgsFunction: a.completeGroups,
		RunE: run(func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				r.Group = args[0]
			}
			if r.Timeout < 0 {
				return usage("drain: --timeout %v is negative", r.Timeout)
			}
			ctx, stop := interruptible(cmd)
			defer stop()
			client, err := a.client(cmd)
			if err != nil {
				return err
			}
			o, err := client.Drain(ctx, r, p.report)
			if err != nil {
				return err
			}
			return p.finish(o)
		}),
	}
	addOutput(cmd, &p.format)
	addTimeout(cmd, &r.Timeout)
	cmd.Flags().BoolVar(&r.Force, "force", false, "drain even if no other node could take over")
	return cmd
}

func (a *app) resumeCommand() *cobra.Command {
	p := progress{app: a}
	cmd := &cobra.Command{
		Use:   "resume [GROUP]",
		Short: "Let this node take part again",
		Long: `Let this node take part again in one group, or in all, and forget that a group which it leads was placed by hand; for
one that another node leads it says where to run this.`,
		Args:              wants(0, 1),
		ValidArgsFunction: a.completeGroups,
		RunE: run(func(cmd *cobra.Command, args []string) error {
			var r status.ResumeRequest
			if len(args) > 0 {
				r.Group = args[0]
			}
			ctx, stop := interruptible(cmd)
			defer stop()
			client, err := a.client(cmd)
			if err != nil {
				return err
			}
			o, err := client.Resume(ctx, r, p.report)
			if err != nil {
				return err
			}
			return p.finish(o)
		}),
	}
	addOutput(cmd, &p.format)
	return cmd
}
