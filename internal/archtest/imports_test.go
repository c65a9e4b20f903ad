// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// An importBan keeps packages apart. Tests are free to import what they need:
// they are not part of the program.
type importBan struct {
	from    []string // the packages it holds for ...
	except  []string // ... but for these
	ban     []string
	because string
}

// supportPackages lie beside the drivers without being one.
var supportPackages = []string{"pkg/metadata/linklocal", "pkg/providers/cloudhttp", "pkg/providers/listing", "pkg/providers/providertest"}

var importBans = []importBan{
	{
		from:    []string{"pkg/..."},
		ban:     []string{"internal/...", "cmd/..."},
		because: "pkg is what other programs may use, so it cannot lean on what is private to this one",
	},
	{
		from:    []string{"pkg/providers", "pkg/providers/cloudhttp", "pkg/providers/listing", "pkg/providers/providertest"},
		ban:     []string{"pkg/election/..."},
		because: "a driver moves an address and knows nothing of why",
	},
	{
		from:    []string{"pkg/election/..."},
		ban:     []string{"pkg/providers/...", "pkg/metadata/..."},
		because: "the election is decided from facts, whichever cloud they come from",
	},
	{
		from: []string{"internal/..."},
		except: []string{
			"internal/daemon", // puts the parts together
			"internal/lab",    // starts the whole thing
		},
		ban:     []string{"internal/daemon/...", "internal/lab/..."},
		because: "what is put together must not know who puts it together",
	},
	{
		from: []string{"cmd/...", "internal/...", "pkg/..."},
		except: []string{
			"internal/health", // which takes from a check what favours the daemon
			"internal/lab",    // starts the whole thing
		},
		ban:     []string{"os/exec"},
		because: "a program that the daemon starts elsewhere would inherit its capabilities",
	},
	{
		from:    []string{"internal/...", "pkg/..."},
		except:  []string{"internal/lab", "internal/sim", "internal/fakecloud/..."},
		ban:     []string{"internal/fakecloud/..."},
		because: "only the lab may ship a fake, and the simulator ships nothing; a driver that leans on it agrees with nothing else",
	},
	{
		from:    []string{"cmd/...", "internal/...", "pkg/..."},
		ban:     []string{"internal/archtest/...", "internal/sim/...", "testing/..."},
		because: "the program does not carry its tests",
	},
}

// testKits are packages made for tests of others: they may import testing.
var testKits = []string{"pkg/providers/providertest"}

// A pureList is everything the packages may import: a pure core is kept pure by
// what it cannot reach.
type pureList struct {
	pattern string
	allowed []string
}

var pureLists = []pureList{
	{"pkg/election", []string{"cmp", "errors", "fmt", "hash/fnv", "iter", "maps", "math", "math/bits",
		"net/netip", "slices", "sort", "strconv", "strings", "time"}},
	{"pkg/election/wire", []string{"bytes", "cmp", "crypto/hmac", "crypto/sha256", "crypto/subtle",
		"encoding/base64", "encoding/binary", "encoding/hex", "encoding/json", "errors", "fmt", "hash", "io", "log/slog", "maps",
		"math", "math/bits", "net/netip", "slices", "strconv", "strings", "sync", "time", "unicode/utf8", "pkg/election"}},
	{"pkg/providers", []string{"context", "errors", "fmt", "net/netip", "strings", "time"}},
	{"pkg/metadata", []string{"context", "errors", "net/netip", "pkg/providers"}},
}

// A home is the only place that may import a module from outside.
type home struct {
	module string
	in     []string // nobody: only tests
	why    string
}

var homes = []home{
	{"github.com/coreos/go-systemd/v22", []string{"internal/daemon", "internal/telemetry"}, "the service manager is told how the daemon is in one place, and the journal what it does in another"},
	{"github.com/digitalocean/godo", []string{"pkg/providers/digitalocean"}, "an SDK ends at its driver"},
	{"github.com/goccy/go-yaml", []string{"internal/config", "internal/lab"}, "one package decodes the configuration; the lab writes one"},
	{"github.com/google/go-cmp", []string{"pkg/providers/providertest"}, "it compares values in tests"},
	{"github.com/hashicorp/go-retryablehttp", []string{"pkg/providers/cloudhttp"}, "one client decides what is sent again"},
	{"github.com/mdlayher/arp", []string{"internal/netif"}, "one package announces addresses"},
	{"github.com/mdlayher/ethernet", []string{"internal/netif"}, "one package sends frames"},
	{"github.com/mdlayher/packet", []string{"internal/netif"}, "one package sends frames"},
	{"github.com/prometheus/client_golang", []string{"internal/telemetry"}, "metric names stand in one block"},
	{"github.com/rogpeppe/go-internal", nil, "it runs scripts in tests"},
	{"github.com/spf13/cobra", []string{"cmd/fipctl"}, "only the command line knows of arguments"},
	{"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common", []string{"pkg/providers/tencent"}, "an SDK ends at its driver"},
	{"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc", []string{"pkg/providers/tencent"}, "an SDK ends at its driver"},
	{"github.com/vishvananda/netlink", []string{"internal/netif", "internal/netlab"}, "one package touches the kernel's addresses, and one plays networks in namespaces"},
	{"go.uber.org/goleak", nil, "it finds leaked goroutines in tests"},
	{"golang.org/x/net", nil, "it reads packets in tests"},
	{"golang.org/x/sys", []string{"cmd/fipctl", "internal/daemon", "internal/health", "internal/holder", "internal/lab", "internal/netif", "internal/netlab", "internal/transport", "internal/trust"}, "system calls belong to the edges"},
	{"golang.org/x/term", []string{"cmd/fipctl", "internal/daemon"}, "the width of a terminal is the command line's business"},
	{"golang.org/x/time", []string{"internal/controller", "internal/daemon", "internal/transport"}, "rates are limited at the edges"},
	{"pgregory.net/rapid", nil, "it draws values in tests"},
}

func importRules() []rule {
	return []rule{
		{
			claim:   "packages import along the layers only",
			because: "docs/design.md section 4 says who may know whom",
			check:   checkImportBans,
			broken: map[string]string{
				"pkg/a/a.go":      "package a\n\nimport _ \"" + module + "/internal/b\"\n",
				"pkg/a/a_test.go": "package a\n\nimport _ \"" + module + "/internal/b\"\n",
			},
			problem: "pkg/a/a.go: imports internal/b: pkg is what other programs may use, so it cannot lean on what is private to this one",
		},
		{
			claim:   "a driver is imported by internal/registry only",
			because: "a cloud that is named in two places cannot be added in one",
			check:   checkDrivers,
			broken: map[string]string{
				"pkg/providers/somecloud/a.go": "package somecloud\n",
				"internal/registry/a.go":       "package registry\n\nimport _ \"" + module + "/pkg/providers/somecloud\"\n",
				"internal/controller/a.go":     "package controller\n\nimport _ \"" + module + "/pkg/providers/somecloud\"\n",
			},
			problem: "internal/controller/a.go: imports the driver pkg/providers/somecloud",
		},
		{
			claim:   "the pure packages import nothing that could act",
			because: "what cannot reach a clock, a socket, a logger or chance can be tested and simulated completely",
			check:   checkPurity,
			broken:  map[string]string{"pkg/election/a.go": "package election\n\nimport _ \"math/rand/v2\"\n"},
			problem: "pkg/election/a.go: imports math/rand/v2, which is not on the list of this pure package",
		},
		{
			claim:   "a module from outside is imported at its home only",
			because: "a dependency that is used in one place can be replaced, and keeps the others small",
			check:   checkHomes,
			broken: map[string]string{
				"internal/status/a.go": "package status\n\nimport _ \"github.com/spf13/cobra/doc\"\n",
				"cmd/fipctl/main.go":   "package main\n\nimport _ \"github.com/spf13/cobra\"\n",
			},
			problem: "internal/status/a.go: imports github.com/spf13/cobra/doc: only the command line knows of arguments",
		},
		{
			claim:   "go.mod requires directly what is imported, and the table of homes names it",
			because: "each dependency has a written reason, and a rule about one that is gone guards nothing",
			check:   checkRequirements,
			broken: map[string]string{
				"go.mod": "require (\n\texample.com/new v1.0.0\n" + requireAll("example.com/new") + ")\n",
				"a/a.go": "package a\n\nimport (\n\t_ \"example.com/new\"\n" + importAll() + ")\n",
			},
			problem: "go.mod: example.com/new is required, but the table of homes does not name it",
		},
		{
			claim:   "no package needs a C compiler",
			because: "one static binary is copied to a node and runs",
			check:   checkNoC,
			broken:  map[string]string{"pkg/a/a.go": "package a\n\nimport \"C\"\n"},
			problem: "pkg/a/a.go: imports C",
		},
	}
}

func checkImportBans(tr *tree) (problems []string) {
	tr.sources(func(p *pack, s *source) {
		if s.test || matchesAny(testKits, p.path) {
			return
		}
		for _, b := range importBans {
			if !matchesAny(b.from, p.path) || matchesAny(b.except, p.path) {
				continue
			}
			for _, imported := range s.imports() {
				if matchesAny(b.ban, imported) && !within(p.path, imported) {
					problems = append(problems, fmt.Sprintf("%s: imports %s: %s", s.path, imported, b.because))
				}
			}
		}
	})
	return problems
}

// within reports whether one package lies below the other.
func within(a, b string) bool { return matches(a+"/...", b) || matches(b+"/...", a) }

func (tr *tree) isDriver(p string) bool {
	driver := path.Dir(p) == "pkg/providers" || path.Dir(p) == "pkg/metadata"
	return driver && !slices.Contains(supportPackages, p) && tr.hasPackage(p)
}

func checkDrivers(tr *tree) (problems []string) {
	tr.sources(func(p *pack, s *source) {
		if s.test || p.path == "internal/registry" {
			return
		}
		for _, imported := range s.imports() {
			if tr.isDriver(imported) && !within(p.path, imported) {
				problems = append(problems, fmt.Sprintf("%s: imports the driver %s", s.path, imported))
			}
		}
	})
	return problems
}

func checkPurity(tr *tree) (problems []string) {
	tr.sources(func(p *pack, s *source) {
		for _, l := range pureLists {
			if s.test || !matches(l.pattern, p.path) {
				continue
			}
			for _, imported := range s.imports() {
				if !slices.Contains(l.allowed, imported) {
					problems = append(problems, fmt.Sprintf("%s: imports %s, which is not on the list of this pure package", s.path, imported))
				}
			}
		}
	})
	return problems
}

func checkHomes(tr *tree) (problems []string) {
	tr.sources(func(p *pack, s *source) {
		if s.test {
			return
		}
		for _, imported := range s.imports() {
			h, ok := homeOf(imported)
			if ok && !slices.Contains(h.in, p.path) {
				problems = append(problems, fmt.Sprintf("%s: imports %s: %s", s.path, imported, h.why))
			}
		}
	})
	return problems
}

func homeOf(imported string) (home, bool) {
	for _, h := range homes {
		if matches(h.module+"/...", imported) {
			return h, true
		}
	}
	return home{}, false
}

var requireLine = regexp.MustCompile(`(?m)^\s*(?:require )?(\S+\.\S+/\S+) v\S+$`)

// checkRequirements looks at the direct requirements: indirect ones carry a
// comment at the end of their line.
func checkRequirements(tr *tree) (problems []string) {
	imported := map[string]bool{}
	tr.sources(func(_ *pack, s *source) {
		for _, i := range s.imports() {
			imported[i] = true
		}
	})
	var required []string
	for _, m := range requireLine.FindAllStringSubmatch(tr.files["go.mod"], -1) {
		required = append(required, m[1])
		if _, ok := homeOf(m[1]); !ok {
			problems = append(problems, "go.mod: "+m[1]+" is required, but the table of homes does not name it")
		}
		used := false
		for i := range imported {
			used = used || matches(m[1]+"/...", i)
		}
		if !used {
			problems = append(problems, "go.mod: "+m[1]+" is required, but nothing imports it")
		}
	}
	for _, h := range homes {
		if !slices.Contains(required, h.module) {
			problems = append(problems, "go.mod: "+h.module+" has a home, but is not required")
		}
	}
	return problems
}

func requireAll(except string) string {
	var b strings.Builder
	for _, h := range homes {
		if h.module != except {
			fmt.Fprintf(&b, "\t%s v1.0.0\n", h.module)
		}
	}
	return b.String()
}

func importAll() string {
	var b strings.Builder
	for _, h := range homes {
		fmt.Fprintf(&b, "\t_ %q\n", h.module)
	}
	return b.String()
}

func checkNoC(tr *tree) (problems []string) {
	tr.sources(func(_ *pack, s *source) {
		if slices.Contains(s.imports(), "C") {
			problems = append(problems, s.path+": imports C")
		}
	})
	return problems
}
