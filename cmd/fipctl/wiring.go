// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package main

import (
	"github.com/fipctl/fipctl/internal/daemon"
	"github.com/fipctl/fipctl/internal/lab"
)

// The calls of the layers below that carry out whole commands.
var (
	runDaemon    = daemon.Run
	runLab       = lab.Run
	startService = lab.ServiceMain
)
