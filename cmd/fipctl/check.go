// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/direct"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/internal/trust"
)

func (a *app) checkCommand() *cobra.Command {
	var online, once, quiet bool
	var output format
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the configuration and print it with every default",
		Long: `Validate the configuration and print it with every default filled in. All problems are reported at once.

With --run the health checks of this node are run once, with --online everything outside that the daemon depends on is
tried, without changing anything: credentials, this machine's identity, every address, and the peers.`,
		Args: wants(0, 0),
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(a.configPath, config.Options{Node: a.node, AnyNode: !once})
			if err != nil {
				return err
			}
			if len(cfg.Warnings) > 0 {
				fmt.Fprintln(a.err, cfg.Warnings)
			}
			if !online {
				if err := a.findCredentials(cfg); err != nil {
					return err
				}
			}
			ctx, stop := interruptible(cmd)
			defer stop()
			var findings []finding
			if once {
				findings = append(findings, runChecks(ctx, cfg)...)
			}
			if online {
				for _, f := range newCluster(cfg).Online(ctx) {
					findings = append(findings, finding{Finding: f})
				}
			}
			switch {
			case once || online:
				return a.showFindings(findings, output)
			case quiet:
				return nil
			case output == formatJSON:
				return usage("check: -o json needs --run or --online; the configuration is YAML")
			}
			_, err = a.out.Write(config.Effective(cfg))
			return err
		}),
	}
	addOutput(cmd, &output)
	cmd.Flags().BoolVar(&online, "online", false, "try credentials, identity, addresses and peers, read-only")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print problems only")
	cmd.Flags().BoolVar(&once, "run", false, "run the health checks of this node once")
	return cmd
}

// findCredentials says where the daemon would find no credentials. Those of a file are wrong
// for the daemon too; of others it says so if the daemon had this environment. Nothing is
// asked for that.
func (a *app) findCredentials(cfg *config.Config) error {
	var problems config.Problems
	for _, p := range cfg.Providers {
		switch err := openCloud(cfg, p).Err; {
		case err == nil:
		case p.TokenFile != "" || p.CredentialsFile != "":
			problems = append(problems, config.Problem{File: cfg.Path, Text: err.Error(), Unread: trust.Passing(err)})
		default:
			fmt.Fprintf(a.err, "%s: warning: %v; right only if the daemon's environment has what this one lacks\n", cfg.Path, err)
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// finding is what was found, by a health check or online.
type finding struct {
	direct.Finding
	Inconclusive bool `json:"inconclusive,omitempty"` // a check could not tell
}

// findingsDocument is the JSON document of check --run and --online.
type findingsDocument struct {
	Version  int       `json:"version"`
	OK       bool      `json:"ok"`
	Findings []finding `json:"findings"`
}

// showFindings prints what was tried; the exit code is 1 if anything failed.
func (a *app) showFindings(findings []finding, f format) error {
	d := findingsDocument{Version: 1, OK: true, Findings: findings}
	for _, finding := range findings {
		d.OK = d.OK && finding.OK
	}
	if f == formatJSON {
		if err := a.print(d); err != nil {
			return err
		}
	} else {
		for _, finding := range findings {
			word := "FAILED"
			switch {
			case finding.OK:
				word = "ok"
			case finding.Inconclusive:
				word = "UNCLEAR"
			}
			fmt.Fprintf(a.out, "%-7s %s: %s\n", word, finding.Subject, finding.Text)
		}
	}
	if !d.OK {
		return silently(status.CodeFailed)
	}
	return nil
}

// runChecks runs every health check once, in the file's order.
func runChecks(ctx context.Context, cfg *config.Config) []finding {
	findings := []finding{}
	anchor := anchorOf(ctx, cfg)
	for _, g := range cfg.Groups {
		values := health.Values{Node: cfg.Node, Anchor: anchor}
		if len(g.Addresses) > 0 {
			values.Address = g.Addresses[0].IP
		}
		for _, c := range g.Checks {
			r := health.Once(ctx, c, values)
			findings = append(findings, finding{direct.Finding{Subject: g.Name + " " + c.Name, OK: r.OK, Text: r.Text}, r.Inconclusive})
		}
	}
	return findings
}

// anchorOf asks the metadata services for the value of {anchor}. Without an
// answer the checks that need it say so.
func anchorOf(ctx context.Context, cfg *config.Config) netip.Addr {
	for _, cloud := range newCluster(cfg).Clouds {
		if cloud.Metadata == nil {
			continue
		}
		if id, err := cloud.Metadata.Identity(ctx); err == nil && id.Anchor.IsValid() {
			return id.Anchor
		}
	}
	return netip.Addr{}
}
