// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// starters are the packages that may start goroutines, and why.
var starters = map[string]string{
	"cmd/fipctl":                 "a command waits for a signal beside its work",
	"internal/daemon":            "it owns every goroutine of the daemon",
	"internal/direct":            "without a daemon it asks clouds and peers side by side, and waits before it returns",
	"internal/health":            "a check is forked by a thread that does nothing else, and the fork is waited for",
	"internal/transport":         "a blocking read needs one",
	"internal/lab":               "it plays the world around the daemons",
	"internal/sim":               "it plays whole histories side by side; within one nothing is concurrent",
	"internal/netlab":            "it carries packets, like the network it stands for",
	"internal/fakecloud/...":     "it serves, like the cloud it stands for",
	"pkg/providers/cloudhttp":    "it asks a read again beside one that is suspected, and waits for both",
	"pkg/providers/listing":      "it makes calls side by side, and waits for them",
	"pkg/providers/providertest": "it calls a driver from many goroutines on purpose",
}

// clockCalls read or wait for the real time.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}

// clockless are the packages that take every instant as an argument.
var clockless = []string{"pkg/election/...", "pkg/providers", "pkg/metadata", "internal/sim"}

func codeRules() []rule {
	return []rule{
		{
			claim:   "goroutines start in few packages only",
			because: "whoever starts one must end it and wait for it, and that is checked by looking at these few",
			check:   checkGoroutines,
			broken: map[string]string{
				"internal/config/a.go": "package config\n\nfunc f() {\n\tgo f()\n}\n",
				"internal/daemon/a.go": "package daemon\n\nfunc f() {\n\tgo f()\n}\n",
			},
			problem: "internal/config/a.go:4: starts a goroutine",
		},
		{
			claim:   "the election, the contracts and the simulator read no clock",
			because: "time is an argument there, or neither test nor simulation could set it",
			check:   checkClocks,
			broken:  map[string]string{"pkg/election/a.go": "package election\n\nimport \"time\"\n\nvar t = time.Now()\n"},
			problem: "pkg/election/a.go:5: calls time.Now",
		},
		{
			claim:   "nothing sleeps, except a test inside a bubble of synctest",
			because: "a sleep is a guess about somebody else's speed",
			check:   checkSleeps,
			broken: map[string]string{
				"pkg/a/a_test.go": "package a\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n",
				"pkg/a/b_test.go": "package a\n\nimport (\n\t_ \"testing/synctest\"\n\t\"time\"\n)\n\nfunc g() { time.Sleep(1) }\n",
			},
			problem: "pkg/a/a_test.go:5: calls time.Sleep",
		},
		{
			claim:   "importing a package does nothing",
			because: "what happens in an init function cannot be injected, ordered or tested",
			check:   checkInits,
			broken:  map[string]string{"pkg/a/a.go": "package a\n\nfunc init() {}\n"},
			problem: "pkg/a/a.go:3: has an init function",
		},
		{
			claim:   "only a test reaches past a package with go:linkname",
			because: "the guards of the election can be taken away in that manner, and the program must not be able to",
			check:   checkLinknames,
			broken: map[string]string{
				"pkg/a/a.go":      "package a\n\nimport _ \"unsafe\"\n\n//go:linkname off example.com/b.off\nvar off int\n",
				"pkg/a/a_test.go": "package a\n\nimport _ \"unsafe\"\n\n//go:linkname on example.com/b.on\nvar on int\n",
			},
			problem: "pkg/a/a.go:5: uses go:linkname",
		},
		{
			claim:   "nothing uses the default logger or the default client",
			because: "a global cannot be redirected by one test without the others seeing it",
			check:   checkGlobals,
			broken:  map[string]string{"pkg/a/a.go": "package a\n\nimport \"log/slog\"\n\nfunc f() { slog.Info(\"x\") }\n"},
			problem: "pkg/a/a.go:5: calls slog.Info",
		},
		{
			claim:   "every package a rule names exists",
			because: "a rule about a package that was renamed guards nothing",
			check:   checkRuleNames,
			broken:  everythingNamedExcept("internal/daemon"),
			problem: "internal/daemon: named by a rule of this package, but there is no such package",
		},
	}
}

func checkGoroutines(tr *tree) (problems []string) {
	tr.sources(func(p *pack, s *source) {
		for pattern := range starters {
			if s.test || matches(pattern, p.path) {
				return
			}
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			starts := false
			switch n := n.(type) {
			case *ast.GoStmt:
				starts = true
			case *ast.CallExpr: // sync.WaitGroup.Go, errgroup.Group.Go
				f, ok := n.Fun.(*ast.SelectorExpr)
				starts = ok && f.Sel.Name == "Go"
			}
			if starts {
				line, _ := s.lines(n)
				problems = append(problems, fmt.Sprintf("%s:%d: starts a goroutine", s.path, line))
			}
			return true
		})
	})
	return problems
}

// calls reports the places in s that name one of the functions of a package of
// the standard library.
func calls(s *source, pkg string, names []string) (problems []string) {
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		id, ok := sel.X.(*ast.Ident)
		if ok && id.Name == pkg && slices.Contains(names, sel.Sel.Name) {
			line, _ := s.lines(n)
			problems = append(problems, fmt.Sprintf("%s:%d: calls %s.%s", s.path, line, pkg, sel.Sel.Name))
		}
		return true
	})
	return problems
}

func checkClocks(tr *tree) (problems []string) {
	tr.sources(func(p *pack, s *source) {
		if !s.test && matchesAny(clockless, p.path) {
			problems = append(problems, calls(s, "time", clockCalls)...)
		}
	})
	return problems
}

func checkSleeps(tr *tree) (problems []string) {
	tr.sources(func(_ *pack, s *source) {
		if !s.test || !slices.Contains(s.imports(), "testing/synctest") {
			problems = append(problems, calls(s, "time", []string{"Sleep"})...)
		}
	})
	return problems
}

func checkInits(tr *tree) (problems []string) {
	tr.sources(func(_ *pack, s *source) {
		for _, f := range functions(s) {
			if f.Name.Name == "init" && f.Recv == nil {
				line, _ := s.lines(f)
				problems = append(problems, fmt.Sprintf("%s:%d: has an init function", s.path, line))
			}
		}
	})
	return problems
}

func checkLinknames(tr *tree) (problems []string) {
	tr.sources(func(_ *pack, s *source) {
		if s.test {
			return
		}
		for _, group := range s.syntax.Comments {
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, "//go:linkname ") {
					line, _ := s.lines(c)
					problems = append(problems, fmt.Sprintf("%s:%d: uses go:linkname", s.path, line))
				}
			}
		}
	})
	return problems
}

func checkGlobals(tr *tree) (problems []string) {
	levels := []string{"Debug", "Info", "Warn", "Error", "Log", "Default", "SetDefault",
		"DebugContext", "InfoContext", "WarnContext", "ErrorContext"}
	clients := []string{"DefaultClient", "DefaultTransport", "DefaultServeMux", "Get", "Post", "Head", "Handle", "HandleFunc"}
	tr.sources(func(_ *pack, s *source) {
		if s.test {
			return
		}
		problems = append(problems, calls(s, "slog", levels)...)
		problems = append(problems, calls(s, "http", clients)...)
	})
	return problems
}

// namedPackages are the packages that the tables of this package name.
func namedPackages() []string {
	var names []string
	for _, b := range importBans {
		names = slices.Concat(names, b.from, b.except)
	}
	for _, l := range pureLists {
		names = append(names, l.pattern)
	}
	for _, h := range homes {
		names = append(names, h.in...)
	}
	for p := range starters {
		names = append(names, p)
	}
	names = slices.Concat(names, clockless, vendorless, supportPackages, testKits, []string{"internal/registry"})
	slices.Sort(names)
	return slices.Compact(names)
}

func checkRuleNames(tr *tree) (problems []string) {
	for _, name := range namedPackages() {
		if !tr.hasPackage(name) {
			problems = append(problems, name+": named by a rule of this package, but there is no such package")
		}
	}
	return problems
}

func everythingNamedExcept(missing string) map[string]string {
	files := map[string]string{}
	for _, name := range namedPackages() {
		if name != missing {
			files[strings.TrimSuffix(name, "/...")+"/a.go"] = "package a\n"
		}
	}
	return files
}
