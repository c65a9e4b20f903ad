// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/pkg/election"
)

const (
	designFile     = "docs/design.md"
	operationsFile = "docs/operations.md"
)

// readmeHeadings is the order in which a newcomer asks.
var readmeHeadings = []string{"Try it", "How long a failover takes", "What it keeps safe",
	"What it cannot protect from", "Providers", "On your own nodes", "Read on"}

// providerHeadings is what each provider page tells, in this order.
var providerHeadings = []string{"What it moves", "Permissions needed", "Options", "Capabilities",
	"Error mapping", "Limits", "How it was tested and when"}

func documentRules() []rule {
	return []rule{
		{
			claim:   "every reason has one paragraph in " + operationsFile,
			because: "whoever reads the word at night searches for it there",
			check:   entryCheck("Reasons", reasonWords),
			broken:  map[string]string{operationsFile: "## Reasons\n" + paragraphs(reasonWords(nil)[1:]) + "**`stale`** gone\n"},
			problem: operationsFile + `: Reasons: no entry: "` + reasonWords(nil)[0] + `"; about nothing: "stale"`,
		},
		{
			claim:   "every condition has one paragraph in " + operationsFile,
			because: "a condition without a remedy is an alarm that teaches to ignore alarms",
			check:   entryCheck("Conditions", conditionWords),
			broken: map[string]string{
				operationsFile:                  "## Conditions\n" + paragraphs([]string{"no-standby", "no-standby"}),
				"internal/daemon/conditions.go": "package daemon\n\nconst (\n\tcondNoStandby = \"no-standby\"\n\tcondNew = \"brand-new\"\n)\n",
			},
			problem: operationsFile + `: Conditions: no entry: "brand-new"; more than one: "no-standby"`,
		},
		{
			claim:   "a link in a document leads somewhere",
			because: "a dead link is found by the person who needs it most",
			check:   checkLinks,
			broken:  map[string]string{"README.md": "# A\n[a](#a) [b](docs/b.md) [c](docs/c.md#two-words) [d](https://example.com)\n", "docs/c.md": "## Two `Words`\n"},
			problem: "README.md: the link docs/b.md leads nowhere",
		},
		{
			claim:   "README.md keeps its order",
			because: "a newcomer asks what it is, then whether it runs, then what it costs and where it ends",
			check:   headingCheck("README.md", readmeHeadings),
			broken:  map[string]string{"README.md": "## " + strings.Join(readmeHeadings[1:], "\n## ")},
			problem: fmt.Sprintf("README.md: headings %q, want %q", readmeHeadings[1:], readmeHeadings),
		},
		{
			claim:   "every driver has a page, with the same headings in the same order",
			because: "two providers are compared by reading the same line of two pages",
			check:   checkProviderPages,
			broken:  map[string]string{"pkg/providers/somecloud/a.go": "package somecloud\n"},
			problem: fmt.Sprintf("docs/providers/somecloud.md: headings %q, want %q", []string(nil), providerHeadings),
		},
		{
			claim:   "a metric that a document names is in docs/metrics.md",
			because: "an alert on a metric that does not exist never fires",
			check:   checkMetricNames,
			broken: map[string]string{
				"docs/metrics.md":    "| `fipctl_role` | x |\n",
				"docs/operations.md": "Watch fipctl_role and fipctl_rule.\n",
			},
			problem: "docs/operations.md:1: fipctl_rule is not in docs/metrics.md",
		},
		{
			claim:   designFile + " numbers thirteen invariants, and nothing cites another",
			because: "a number is how a test says what it protects",
			check:   checkInvariants,
			broken: map[string]string{
				designFile:   "## 3. Invariants\n" + numbered(13),
				"pkg/a/a.go": "package a\n\n// See invariant 7 and invariant 14.\n",
			},
			problem: "pkg/a/a.go:3: cites invariant 14, which docs/design.md does not have",
		},
		{
			claim:   "a section of " + designFile + " that is cited exists",
			because: "a citation is a promise that the reason can be looked up",
			check:   checkSections,
			broken: map[string]string{
				designFile:   "## 5. Takeover\n### 5.1 Timers\n",
				"pkg/a/a.go": "package a\n\n// See docs/design.md section 5.1, and design.md, section 5.9.\n",
			},
			problem: "pkg/a/a.go:3: cites section 5.9, which docs/design.md does not have",
		},
		{
			claim:   "the layers in " + designFile + " are the packages there are",
			because: "the table is how a newcomer finds the way, so it can neither lack one nor name one that is gone",
			check:   checkLayers,
			broken: map[string]string{
				designFile:   "## 4. Layers\n| `pkg/gone` | x |\n| `pkg/a` | x |\n",
				"pkg/a/a.go": "package a\n",
				"pkg/b/b.go": "package b\n",
			},
			problem: designFile + `: Layers: no entry: "pkg/b"; about nothing: "pkg/gone"`,
		},
	}
}

// section returns the text under a second-level heading that ends in title.
func section(text, title string) string {
	m := regexp.MustCompile(`(?m)^## (?:\d+\. )?` + regexp.QuoteMeta(title) + `$`).FindStringIndex(text)
	if m == nil {
		return ""
	}
	text, _, _ = strings.Cut(text[m[1]:], "\n## ")
	return text
}

// compare describes how the names in a document differ from what there is.
func compare(place string, want, got []string) []string {
	lacking := func(from, in []string) (names []string) {
		for _, name := range from {
			if !slices.Contains(in, name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		return names
	}
	var twice []string
	for i, name := range got {
		if slices.Contains(got[:i], name) && !slices.Contains(twice, name) {
			twice = append(twice, name)
		}
	}
	var parts []string
	for _, d := range []struct {
		what  string
		names []string
	}{{"no entry", lacking(want, got)}, {"about nothing", lacking(got, want)}, {"more than one", twice}} {
		if len(d.names) > 0 {
			quoted := fmt.Sprintf("%q", d.names)
			parts = append(parts, d.what+": "+quoted[1:len(quoted)-1])
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return []string{place + ": " + strings.Join(parts, "; ")}
}

var entry = regexp.MustCompile("(?m)^\\*\\*`([a-z-]+)`\\*\\*")

func entryCheck(title string, words func(*tree) []string) func(*tree) []string {
	return func(tr *tree) []string {
		return compare(operationsFile+": "+title, words(tr), firstGroups(entry, section(tr.files[operationsFile], title)))
	}
}

func firstGroups(re *regexp.Regexp, text string) (names []string) {
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

func reasonWords(*tree) (words []string) {
	for _, r := range election.Reasons() {
		words = append(words, r.String())
	}
	return words
}

// conditionWords are the codes of the conditions: the string constants of the
// daemon whose names begin with cond.
func conditionWords(tr *tree) (words []string) {
	for _, p := range tr.packages {
		if p.path == "internal/daemon" {
			words = constants(p, "cond")
		}
	}
	if len(words) == 0 {
		words = []string{"(internal/daemon declares no constant named cond...)"}
	}
	return words
}

func paragraphs(words []string) string {
	return "**`" + strings.Join(words, "`** text\n\n**`") + "`** text\n"
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d. **Name.** text\n", i+1)
	}
	return b.String()
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]*)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
)

func checkLinks(tr *tree) (problems []string) {
	for _, name := range tr.named("*.md") {
		for _, target := range firstGroups(link, fence.ReplaceAllString(tr.files[name], "")) {
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file, fragment, _ := strings.Cut(target, "#")
			page := name
			if file != "" {
				page = path.Join(path.Dir(name), file)
			}
			known := fragment == "" || slices.ContainsFunc(firstGroups(heading, fence.ReplaceAllString(tr.files[page], "")),
				func(h string) bool { return anchor(h) == fragment })
			if !tr.exists(page) || !known {
				problems = append(problems, fmt.Sprintf("%s: the link %s leads nowhere", name, target))
			}
		}
	}
	return problems
}

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchor is the fragment that GitHub gives a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

func headingCheck(file string, want []string) func(*tree) []string {
	return func(tr *tree) []string {
		got := firstGroups(regexp.MustCompile(`(?m)^## (.+)$`), fence.ReplaceAllString(tr.files[file], ""))
		if slices.Equal(got, want) {
			return nil
		}
		return []string{fmt.Sprintf("%s: headings %q, want %q", file, got, want)}
	}
}

func checkProviderPages(tr *tree) (problems []string) {
	for _, p := range tr.packages {
		if path.Dir(p.path) == "pkg/providers" && tr.isDriver(p.path) {
			page := "docs/providers/" + path.Base(p.path) + ".md"
			problems = append(problems, headingCheck(page, providerHeadings)(tr)...)
		}
	}
	return problems
}

var metricName = regexp.MustCompile(`\b(fipctl_[a-z0-9_]+)\b`)

func checkMetricNames(tr *tree) (problems []string) {
	known := firstGroups(metricName, tr.files["docs/metrics.md"])
	tr.eachLine(func(name string) bool { return path.Ext(name) == ".md" }, func(name string, line int, text string) {
		for _, metric := range firstGroups(metricName, text) {
			if !slices.Contains(known, metric) {
				problems = append(problems, fmt.Sprintf("%s:%d: %s is not in docs/metrics.md", name, line, metric))
			}
		}
	})
	return problems
}

var (
	invariantLine = regexp.MustCompile(`(?m)^(\d+)\. \*\*`)
	invariantCite = regexp.MustCompile(`\b[Ii]nvariants? (\d+)`)
	sectionTitle  = regexp.MustCompile(`(?m)^#{2,3} (\d+(?:\.\d+)?)\.? `)
	sectionCite   = regexp.MustCompile(`design(?:\.md)?,? (?:section )?(\d+(?:\.\d+)?)\b`)
)

func checkInvariants(tr *tree) []string {
	have := firstGroups(invariantLine, section(tr.files[designFile], "Invariants"))
	if len(have) != 13 || have[12] != "13" {
		return []string{fmt.Sprintf("%s: the invariants are numbered %v, want 1 to 13", designFile, have)}
	}
	return citations(tr, invariantCite, have, "invariant")
}

func checkSections(tr *tree) []string {
	return citations(tr, sectionCite, firstGroups(sectionTitle, tr.files[designFile]), "section")
}

func citations(tr *tree, cite *regexp.Regexp, have []string, what string) (problems []string) {
	readable := func(name string) bool { return !inArchtest(name) && name != "go.sum" }
	tr.eachLine(readable, func(name string, line int, text string) {
		for _, number := range firstGroups(cite, text) {
			if !slices.Contains(have, number) {
				problems = append(problems, fmt.Sprintf("%s:%d: cites %s %s, which %s does not have", name, line, what, number, designFile))
			}
		}
	})
	return problems
}

var layerLine = regexp.MustCompile("(?m)^\\| `([a-z0-9/]+)` \\|")

func checkLayers(tr *tree) []string {
	var want []string
	for _, p := range tr.packages {
		want = append(want, p.path)
	}
	return compare(designFile+": Layers", want, firstGroups(layerLine, section(tr.files[designFile], "Layers")))
}
