// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/daemon"
)

func (a *app) runCommand() *cobra.Command {
	guestEndpoint := ""
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon in the foreground",
		Long: `Run the daemon in the foreground until it is told to stop.

SIGTERM hands over what this node owns and ends. SIGUSR1 ends for a restart and moves nothing. SIGHUP reads the
configuration again without moving anything; a file with problems is reported and the old one stays in force.`,
		Args: wants(0, 0),
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			load := config.Options{Node: a.node}
			cfg, err := config.Load(a.configPath, load)
			if err != nil {
				return err
			}
			if a.socket != "" {
				cfg.Control.Socket = a.socket
			}
			log := newLog(a.err, cfg.Log, term.IsTerminal(int(os.Stderr.Fd())))
			o := daemon.Options{Config: cfg, Load: load, Log: log, Version: version(), GuestEndpoint: guestEndpoint}
			if err := runDaemon(cmd.Context(), o); err != nil {
				return fmt.Errorf("run daemon: %w", err)
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&guestEndpoint, "guest-endpoint", "", "send steps on this machine's interfaces to this `URL` and not to the kernel; for labs")
	_ = cmd.Flags().MarkHidden("guest-endpoint") // the flag exists
	return cmd
}

// newLog returns the daemon's log: text for a person, JSON for a machine.
func newLog(w io.Writer, c config.Log, terminal bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level}
	if c.Format == config.FormatText || (c.Format == config.FormatAuto && terminal) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
