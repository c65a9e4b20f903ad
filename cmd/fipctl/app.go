// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/status"
)

// app is the command line: where its output goes and the flags that all commands
// share.
type app struct {
	out, err io.Writer
	terminal bool // out is a terminal

	configPath string
	socket     string // empty: from the configuration
	node       string // empty: from the configuration or the host name
}

// exit is the error of a command that was understood. Anything else that cobra
// returns is a usage error, since nothing ran. An exit without an error has
// already said everything.
type exit struct {
	code status.Code
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// usage returns the error of a command line that parses and makes no sense.
func usage(format string, values ...any) error {
	return &exit{status.CodeUsage, fmt.Errorf(format, values...)}
}

// execute runs one command line and returns the exit code.
func (a *app) execute(ctx context.Context, args []string) status.Code {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return status.CodeDone
	}
	var e *exit
	if !errors.As(err, &e) {
		e = &exit{status.CodeUsage, err}
	}
	if e.err == nil {
		return e.code
	}
	a.complain(e.err)
	if e.code == status.CodeUsage {
		fmt.Fprintf(a.err, "See `%s --help`.\n", command.CommandPath())
	}
	return e.code
}

// complain prints an error. The problems of a configuration file are lines that
// editors understand, so nothing is put before them.
func (a *app) complain(err error) {
	var problems config.Problems
	if errors.As(err, &problems) {
		fmt.Fprintln(a.err, problems)
		return
	}
	fmt.Fprintf(a.err, "fipctl: %v\n", err)
}

// run wraps the body of a command, so that every error has an exit code.
func run(body func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := body(cmd, args)
		var e *exit
		if err == nil || errors.As(err, &e) {
			return err
		}
		return &exit{codeOf(err), err}
	}
}

// codeOf returns the exit code of an error.
func codeOf(err error) status.Code {
	var (
		problems    config.Problems
		unreachable *status.UnreachableError
		denied      *status.PermissionError
	)
	switch {
	case errors.As(err, &problems) && problems.Unread():
		return status.CodeFailed // it may do better by itself
	case errors.As(err, &problems):
		return status.CodeConfig
	case errors.As(err, &unreachable), errors.As(err, &denied):
		return status.CodeUnreachable
	default:
		return status.CodeFailed
	}
}

// interruptible returns a context that ends with Ctrl-C or SIGTERM. The daemon
// does without: it has an order in which it stops.
func interruptible(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
}

// glance reads the configuration for what does not depend on this machine or on
// secrets, such as names.
func (a *app) glance() (*config.Config, error) {
	return config.Load(a.configPath, config.Options{Node: a.node, AnyNode: true, SkipFiles: true})
}

// client returns a client for --socket, for the socket that the configuration
// names, or for the default one. An operator who may use the socket need not be
// allowed to read the file: only a file that was asked for must be readable.
func (a *app) client(cmd *cobra.Command) (*status.Client, error) {
	if a.socket != "" {
		return status.NewClient(a.socket), nil
	}
	cfg, err := a.glance()
	switch {
	case err == nil:
		client := status.NewClient(cfg.Control.Socket)
		if reader := cfg.Control.Reader.Socket; reader != "" {
			client.WithReader(reader)
		}
		return client, nil
	case cmd.Flags().Changed("config"):
		return nil, err
	}
	if _, statErr := os.Stat(a.configPath); !errors.Is(statErr, fs.ErrNotExist) {
		fmt.Fprintf(a.err, "fipctl: %s cannot be used (see `fipctl check`), taking the default socket\n", a.configPath)
	}
	return status.NewClient(config.DefaultSocket).WithReader(config.DefaultReader), nil
}

// width returns the columns of the terminal, and 0 when there is none.
func (a *app) width() int {
	if !a.terminal {
		return 0
	}
	w, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0
	}
	return w
}

// colour reports whether colours are wanted (no-color.org).
func (a *app) colour() bool {
	return a.terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// print writes one JSON document.
func (a *app) print(document any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	return e.Encode(document)
}

// format is the value of -o.
type format string

const (
	formatText format = "text"
	formatJSON format = "json"
)

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "format" }

func (f *format) Set(s string) error {
	switch format(s) {
	case formatText, formatJSON:
		*f = format(s)
		return nil
	}
	return errors.New(`allowed are "text" and "json"`)
}

// addOutput adds -o to a command.
func addOutput(cmd *cobra.Command, f *format) {
	*f = formatText
	cmd.Flags().VarP(f, "output", "o", "output format, text or json")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions([]string{string(formatText), string(formatJSON)}, cobra.ShellCompDirectiveNoFileComp)))
}

// wants returns a check of the number of arguments that says which are missing.
func wants(least, most int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage("%s: %s is missing", cmd.Name(), strings.Join(names[len(args):least], " "))
		case len(args) > most:
			return usage("%s: unexpected argument %q", cmd.Name(), args[most])
		}
		return nil
	}
}
