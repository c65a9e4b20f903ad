// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files; understand every changed line")

// TestMain lets the test binary stand in for the program: as the service of a
// node, and as a daemon of its own kind.
func TestMain(m *testing.M) {
	if code, ok := ServiceMain(); ok {
		os.Exit(code)
	}
	if len(os.Args) > 2 && os.Args[1] == "run" {
		if err := runStandIn(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// testPlan returns addresses of its own for a test.
func testPlan(t *testing.T) *plan {
	t.Helper()
	p, err := pickPlan(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// golden compares got with a file, or rewrites the file with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// at returns an instant so many milliseconds after a fixed one.
func at(ms int) time.Time {
	return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

func ms(n int) *time.Duration {
	d := time.Duration(n) * time.Millisecond
	return &d
}
