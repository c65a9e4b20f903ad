// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/status"
)

// root returns the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "fipctl",
		Short: "Move floating IPs between the nodes of a cluster",
		Long: `fipctl elects one node of a cluster, has the cloud bind the floating IP to it, and keeps checking that the
elected node is the one that the address is bound to and that answers.

Exit codes: 0 done, 1 failed, 2 usage, 3 invalid configuration, 4 refused for safety, 5 daemon not reachable.`,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.configPath, "config", config.DefaultPath, "configuration file")
	flags.StringVar(&a.socket, "socket", "", "control socket of the daemon (default: from the configuration, else "+config.DefaultSocket+")")
	flags.StringVar(&a.node, "node", "", "name of this node (default: from the configuration, else the host name)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cmd == root { // the program's name is before every error anyway
			return usage("%w", err)
		}
		return usage("%s: %w", cmd.Name(), err)
	})
	cobra.CheckErr(root.RegisterFlagCompletionFunc("node", a.completeNodes))

	root.AddCommand(a.runCommand(), a.statusCommand(), a.assignCommand(), a.drainCommand(), a.resumeCommand(),
		a.checkCommand(), a.keygenCommand(), a.labCommand(), a.versionCommand())
	return root
}

// unknownCommand names the nearest command.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("unknown command %q, did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return usage("unknown command %q", args[0])
}

// completeGroups offers the groups of the configuration.
func (a *app) completeGroups(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	cfg, err := a.glance()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, g := range cfg.Groups {
		names = append(names, g.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeNodes offers the nodes of the configuration.
func (a *app) completeNodes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	cfg, err := a.glance()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, n := range cfg.Nodes {
		names = append(names, n.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// progress shows an operation while it runs and its outcome at the end.
type progress struct {
	app    *app
	format format
	events []status.Event
}

// report shows one step. Final events are left to finish.
func (p *progress) report(e status.Event) {
	p.events = append(p.events, e)
	if p.format == formatText && e.Code == nil {
		fmt.Fprintf(p.app.out, "%-9s  %s\n", e.Event, e.Text)
		for _, peer := range e.Peers {
			fmt.Fprintf(p.app.out, "%-9s  %s: %s (%s)\n", "", peer.Node, peer.Text, peer.Reason)
		}
	}
}

// result is the JSON document of an operation.
type result struct {
	Version int            `json:"version"`
	Final   status.Event   `json:"outcome"`
	Events  []status.Event `json:"events"`
}

// finish shows the outcome and returns it as an error unless it is done.
func (p *progress) finish(o status.Outcome) error {
	if p.format == formatJSON {
		p.events = slices.DeleteFunc(p.events, func(e status.Event) bool { return e.Code != nil })
		if p.events == nil {
			p.events = []status.Event{}
		}
		if err := p.app.print(result{Version: 1, Final: o.Event(), Events: p.events}); err != nil {
			return err
		}
		return silently(o.Code)
	}
	if o.Code == status.CodeDone {
		fmt.Fprintf(p.app.out, "%-9s  %s\n", "done", o.Text)
		return nil
	}
	text := o.Text
	if o.Reason != "" {
		text += " (" + o.Reason + ")"
	}
	for _, peer := range o.Peers {
		text += fmt.Sprintf("\n  %s: %s (%s)", peer.Node, peer.Text, peer.Reason)
	}
	return &exit{o.Code, fmt.Errorf("%s: %s", o.Event().Event, text)}
}

// silently returns the error of a command that has said everything.
func silently(code status.Code) error {
	if code == status.CodeDone {
		return nil
	}
	return &exit{code: code}
}
