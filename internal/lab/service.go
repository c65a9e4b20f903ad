// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// serviceEnv makes the program be a node's service instead of itself: its value
// is the node's name and the address to listen at, "lb-a@127.1.2.3:8080".
const serviceEnv = "FIPCTL_LAB_SERVICE"

// The commands that a service reads from its standard input, one a line, and the
// answers it gives on its standard output.
const (
	serviceStop      = "stop"
	serviceStart     = "start"
	serviceStopped   = "stopped"
	serviceListening = "listening"
)

// ServiceMain turns this process into the small service behind a node if the lab
// started it as one: it then returns true and the exit code, after the lab closed
// its standard input. Otherwise it returns false at once. The program's main
// calls it before anything else.
func ServiceMain() (code int, ok bool) {
	spec, ok := os.LookupEnv(serviceEnv)
	if !ok {
		return 0, false
	}
	name, at, _ := strings.Cut(spec, "@")
	if err := serve(name, at, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "lab service %s: %v\n", name, err)
		return 1, true
	}
	return 0, true
}

// serve answers "/" with the node's name and "/healthz" with 200 until in ends.
// The stop command makes it refuse connections, as a crashed web server does, and
// start lets it return.
func serve(name, at string, in io.Reader, out io.Writer) error {
	var server *http.Server
	stop := func() {
		if server != nil {
			_ = server.Close() // requests under way are cut: that is the point
			server = nil
		}
	}
	defer stop()
	start := func() error {
		l, err := listenAgain(at)
		if err != nil {
			return err
		}
		server = &http.Server{Handler: pages(name), ReadHeaderTimeout: time.Second}
		go func(s *http.Server) { _ = s.Serve(l) }(server) // ends with stop, which knows why
		_, err = fmt.Fprintln(out, serviceListening)
		return err
	}
	if err := start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		stop()
		switch lines.Text() {
		case serviceStop:
			if _, err := fmt.Fprintln(out, serviceStopped); err != nil {
				return err
			}
		case serviceStart:
			if err := start(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("read command: %q is neither %s nor %s", lines.Text(), serviceStop, serviceStart)
		}
	}
	return nil
}

// listenPatience is the end of hope for the predecessor's socket to be gone.
const listenPatience = 10 * time.Second

// listenAgain listens at an address that a killed predecessor may have held until
// a moment ago.
func listenAgain(at string) (net.Listener, error) {
	ctx, cancel := context.WithTimeout(context.Background(), listenPatience)
	defer cancel()
	for {
		l, err := net.Listen("tcp4", at)
		if err == nil {
			return l, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func pages(name string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, name) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}
