// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/daemon"
	"github.com/fipctl/fipctl/internal/telemetry"
)

func (a *app) runCommand() *cobra.Command {
	guestEndpoint := ""
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon in the foreground",
		Long: `Run the daemon in the foreground until it is told to stop.

SIGTERM hands over what this node owns and ends; sent again after a second it ends at once. SIGUSR1 ends for a restart
and moves nothing; a SIGTERM after it makes it a stop. SIGHUP reads the configuration again without moving anything; a
file with problems is reported and the old one stays in force.`,
		Args: wants(0, 0),
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			surviveReaders()
			load := config.Options{Node: a.node, Socket: a.socket, Daemon: true}
			cfg, err := config.Load(a.configPath, load)
			if err != nil {
				return err
			}
			level := &slog.LevelVar{}
			level.Set(cfg.Log.Level)
			queue := telemetry.NewLogQueue(logHandler(a.err, cfg.Log.Format, level, telemetry.JournalSocket), linesMax)
			a.err = hasty{a.err}
			o := daemon.Options{
				Config: cfg, Load: load, Log: slog.New(queue.Handler()), LogLevel: level, LogQueue: queue, Version: version(), GuestEndpoint: guestEndpoint,
			}
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

// linesMax bounds what waits to be written. A failover is some fifty lines, so it holds
// several while a disk or a reader recovers, and at 1 KiB a line it takes 1 MiB.
const linesMax = 1024

// logHandler returns the handler of the daemon's log. Where standard error goes to the
// journal, it gets entries at socket instead of lines, unless the file asks for a format.
func logHandler(w io.Writer, format string, level slog.Leveler, socket string) slog.Handler {
	h := newHandler(w, format, level, term.IsTerminal(int(os.Stderr.Fd())))
	if format == config.FormatAuto && telemetry.UnderJournal() {
		return telemetry.NewJournal(socket, level, h)
	}
	return h
}

// newHandler returns the handler of the daemon's log: text for a person, JSON for a
// machine.
func newHandler(w io.Writer, format string, level slog.Leveler, terminal bool) slog.Handler {
	options, w := &slog.HandlerOptions{Level: level}, telemetry.Lines(w)
	if format == config.FormatText || (format == config.FormatAuto && terminal) {
		return slog.NewTextHandler(w, options)
	}
	return slog.NewJSONHandler(w, options)
}

// surviveReaders keeps the process alive when the reader of its standard error goes
// away: without it the next line ends a Go program by SIGPIPE. The signal is caught and
// not ignored, because a check would inherit that it is ignored.
func surviveReaders() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}

// hasty is a writer that waits for nobody for longer than hastyFor: a daemon that says
// why it ended must end all the same where nobody reads that.
type hasty struct{ w io.Writer }

const hastyFor = time.Second

// Write returns when b was written, or not in time.
func (h hasty) Write(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	b = bytes.Clone(b) // the caller may use it again while it is still being written
	go func() {
		n, err := h.w.Write(b)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-time.After(hastyFor):
		return 0, os.ErrDeadlineExceeded
	}
}
