// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A depRule says what a package must not pull in, however indirectly.
type depRule struct {
	pattern string
	mustNot []string // import paths, or patterns that end in "/..."
	because string
}

var depRules = []depRule{
	{"pkg/election/...", []string{"net", "net/http", "os/exec", "math/rand", "math/rand/v2"},
		"the election must compile into a simulation that owns all time and chance"},
	{"pkg/providers", []string{"net", "os/exec"}, "the contract is values and interfaces"},
	{"pkg/providers/cloudhttp", []string{"github.com/digitalocean/godo/..."}, "the client serves every cloud"},
	{"internal/controller", []string{"github.com/digitalocean/godo/...", "github.com/spf13/cobra/...", "github.com/vishvananda/netlink/..."},
		"the controller knows a cloud and a kernel by their contracts only, and its tests run under the race detector in seconds"},
	{"internal/config", []string{"github.com/spf13/cobra/...", "github.com/prometheus/client_golang/..."},
		"reading a file needs no command line and no metrics"},
	{"internal/status", []string{"github.com/digitalocean/godo/...", "github.com/spf13/cobra/...", "github.com/prometheus/client_golang/..."},
		"a client of the control socket stays small"},
	{"internal/sim/...", []string{"net/http", "os/exec", "github.com/digitalocean/godo/..."},
		"a history has no world outside, and its tests run under the race detector in seconds"},
	{"internal/transport", []string{"net/http", "github.com/digitalocean/godo/..."}, "datagrams need no HTTP"},
}

// listed is what the go command says of a package.
type listed struct {
	ImportPath string
	Deps       []string
	Error      *struct{ Err string }
}

// goList asks the go command for the packages of the module as they are built for
// an operating system, so that build tags hide nothing.
func goList(t *testing.T, goos string) map[string]listed {
	t.Helper()
	list := exec.Command("go", "list", "-e", "-json=ImportPath,Deps,Error", "./...")
	list.Dir = root
	list.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	packages := map[string]listed{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var l listed
		err := d.Decode(&l)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatalf("decode package list: %v", err)
		}
		packages[strings.TrimPrefix(l.ImportPath, module+"/")] = l
	}
}

func TestTheGoCommandSeesThePackagesThatTheRulesSee(t *testing.T) {
	t.Parallel()
	var seen, listed []string
	for _, p := range checkout(t).packages {
		seen = append(seen, p.path)
	}
	for p, l := range goList(t, "linux") {
		listed = append(listed, p)
		if l.Error != nil {
			t.Errorf("%s: %s", p, l.Error.Err)
		}
	}
	slices.Sort(listed)
	if diff := cmp.Diff(listed, seen); diff != "" {
		t.Errorf("packages (-go list +the rules):\n%s", diff)
	}
}

func TestPackagesPullInNothingTheyMustNot(t *testing.T) {
	t.Parallel()
	systems := map[string]map[string]listed{"linux": goList(t, "linux"), "darwin": goList(t, "darwin")}
	known := map[string]bool{"math/rand": true, "math/rand/v2": true} // may well be used by nobody
	for _, packages := range systems {
		addKnown(known, packages)
	}
	for goos, packages := range systems {
		for _, r := range depRules {
			for _, problem := range checkDeps(packages, known, r) {
				t.Errorf("for %s: %s, because %s", goos, problem, r.because)
			}
		}
	}
}

func TestAForbiddenDependencyIsNoticed(t *testing.T) {
	t.Parallel()
	packages := map[string]listed{
		"pkg/a":   {Deps: []string{"fmt", "net"}},
		"pkg/a/b": {Deps: []string{"fmt"}},
		"cmd/x":   {Deps: []string{"net"}},
	}
	known := map[string]bool{}
	addKnown(known, packages)
	got := [][]string{
		checkDeps(packages, known, depRule{pattern: "pkg/a/...", mustNot: []string{"net"}}),
		checkDeps(packages, known, depRule{pattern: "pkg/gone", mustNot: []string{"net"}}),
		checkDeps(packages, known, depRule{pattern: "pkg/a", mustNot: []string{"nett"}}),
	}
	want := [][]string{
		{"pkg/a pulls in net"},
		{"no package matches pkg/gone"},
		{"nothing at all pulls in nett: it may have been renamed"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func addKnown(known map[string]bool, packages map[string]listed) {
	for _, l := range packages {
		for _, d := range l.Deps {
			known[d] = true
		}
	}
}

// checkDeps also notices a rule that has gone stale: one about packages that are
// not there, or against a package that the whole program does not know.
func checkDeps(packages map[string]listed, known map[string]bool, r depRule) (problems []string) {
	var names []string
	for name := range packages {
		if matches(r.pattern, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		problems = append(problems, "no package matches "+r.pattern)
	}
	for _, ban := range r.mustNot {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(known)), func(p string) bool { return matches(ban, p) }) {
			problems = append(problems, "nothing at all pulls in "+ban+": it may have been renamed")
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, d := range packages[name].Deps {
			if matchesAny(r.mustNot, d) {
				problems = append(problems, name+" pulls in "+d)
			}
		}
	}
	return problems
}
