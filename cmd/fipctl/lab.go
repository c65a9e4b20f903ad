// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/fipctl/fipctl/internal/lab"
	"github.com/fipctl/fipctl/internal/status"
)

func (a *app) labCommand() *cobra.Command {
	var (
		o      lab.Options
		output format
	)
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "See failovers on this machine, without a cloud account",
		Long: `Run two daemons and a fake cloud on this machine, break things, and show what happened and how long it took. It needs
neither root nor a network nor an account, and leaves nothing behind.

Without --provider it plays a reserved IP of DigitalOcean; --provider NAME plays every kind of address of that
provider, or one with --kind, and --provider all everything. Scenarios that do not apply to a kind say why.

As root, --netns plays the same in network namespaces: interfaces and announcements are real there, and packets go
where the fake cloud says.`,
		Args: wants(0, 0),
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			for name, d := range map[string]time.Duration{"advert-interval": o.AdvertInterval, "api-latency": o.APILatency} {
				if d < 0 {
					return usage("lab: --%s %v is negative", name, d)
				}
			}
			o.Stdout, o.Stderr, o.JSON = a.out, a.err, output == formatJSON
			o.Terminal = a.terminal
			if o.JSON {
				o.Terminal = term.IsTerminal(int(os.Stderr.Fd()))
			}
			ctx, stop := interruptible(cmd)
			defer stop()
			return silently(status.Code(runLab(ctx, o)))
		}),
	}
	addOutput(cmd, &output)
	flags := cmd.Flags()
	flags.StringSliceVar(&o.Scenarios, "scenario", nil, "scenarios to play, or all (default: the usual ones)")
	flags.StringVar(&o.Provider, "provider", "", "whose addresses to play: a provider, or all (default digitalocean)")
	flags.StringVar(&o.Kind, "kind", "", "kind of address to play (default: every kind of --provider)")
	flags.BoolVar(&o.List, "list", false, "name the scenarios")
	flags.DurationVar(&o.AdvertInterval, "advert-interval", lab.AdvertIntervalDefault, "advert interval of the daemons")
	flags.DurationVar(&o.APILatency, "api-latency", lab.APILatencyDefault, "how long the fake cloud takes to answer")
	flags.TextVar(&o.Answers, "answers", o.Answers, "`shape` of the fake cloud's answers: full, sparse as real ones can be, or extended by what no client knows")
	flags.BoolVar(&o.Namespaces, "netns", false, "play in network namespaces, with real interfaces and announcements (needs root)")
	flags.BoolVar(&o.Keep, "keep", false, "leave it running until interrupted, and print what to try")
	return cmd
}
