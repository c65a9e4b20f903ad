// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Command simulate plays histories of package sim. See its -help.
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/fipctl/fipctl/internal/sim"
)

func main() {
	seed, _ := strconv.ParseUint(os.Args[1], 10, 64)
	h := sim.Play(seed, func(s string) { fmt.Println(s) })
	fmt.Println(len(h.Violations))
}
