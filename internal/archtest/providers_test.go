// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
)

func TestEveryDriverIsInTheRegistry(t *testing.T) {
	t.Parallel()
	tr := checkout(t)
	for _, p := range tr.packages {
		if name := path.Base(p.path); path.Dir(p.path) == "pkg/providers" && tr.isDriver(p.path) && !slices.Contains(registry.Names(), name) {
			t.Errorf("%s is missing in the registry", p.path)
		}
	}
}

// moveTimeout is how long an accepted move of the address may take.
func moveTimeout(t *testing.T, a providers.Address) time.Duration {
	t.Helper()
	d, _ := registry.Describe(a.Provider)
	k, ok := d.Kind(a.Kind)
	if !ok {
		t.Fatalf("no kind %q of %q", a.Kind, a.Provider)
	}
	return k.Capabilities.MoveTimeout
}

func TestTheProviderTableInTheReadmeIsThatOfTheCapabilities(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(checkout(t).files["README.md"], "<!-- providers -->\n")
	table, _, _ = strings.Cut(table, "<!-- /providers -->")
	if diff := cmp.Diff(providerTable(), table); diff != "" {
		t.Errorf("README.md between the two comments (-want +got):\n%s", diff)
	}
}

// TestTheReadmeGivesFigures wants the measured table of the lab where it belongs:
// the first question about a failover is how long it takes.
func TestTheReadmeGivesFigures(t *testing.T) {
	t.Parallel()
	_, figures, _ := strings.Cut(checkout(t).files["README.md"], "<!-- figures -->\n")
	figures, _, _ = strings.Cut(figures, "<!-- /figures -->")
	for _, scenario := range []string{"killed", "stopped", "assign"} {
		if !strings.Contains(figures, "| `"+scenario+"` |") {
			t.Errorf("README.md: no row \"| `%s` | ...\" between the comments named figures", scenario)
		}
	}
}

func providerTable() string {
	var b strings.Builder
	b.WriteString("| provider | kind | moves | in one call | in the guest | per node | a move may take |\n|---|---|---|---|---|---|---|\n")
	for _, name := range registry.Names() {
		d, _ := registry.Describe(name)
		for _, k := range d.Kinds {
			c := k.Capabilities
			fmt.Fprintf(&b, "| [%s](docs/providers/%s.md) | `%s` | %s | %s | %s | %s | %.0f s |\n", name, name, k.Name,
				families(c, "", ""), howMany(c), families(c, " "+guest(c.Guest4), " "+guest(c.Guest6)),
				families(c, limit(c.MaxPerTarget4), limit(c.MaxPerTarget6)), c.MoveTimeout.Seconds())
		}
	}
	return b.String()
}

func howMany(c providers.Capabilities) string {
	switch {
	case c.MovesWithoutAPI:
		return "no call: announced"
	case c.AtomicMove:
		return "yes"
	default:
		return "no: detach, then attach"
	}
}

// families names the families that the provider moves, each with a remark.
func families(c providers.Capabilities, remark4, remark6 string) string {
	var parts []string
	if c.IPv4 {
		parts = append(parts, "IPv4"+remark4)
	}
	if c.IPv6 {
		parts = append(parts, "IPv6"+remark6)
	}
	return strings.Join(parts, ", ")
}

func guest(s providers.GuestStep) string {
	return map[providers.GuestStep]string{
		providers.GuestNone:     "nothing",
		providers.GuestAddress:  "address",
		providers.GuestAnnounce: "address and announcement",
	}[s]
}

func limit(n int) string {
	if n == 0 {
		return " unlimited"
	}
	return fmt.Sprintf(" at most %d", n)
}

// TestOptionsAndCapabilitiesOfADriverAreOnItsPage looks for the options a driver
// declares, for every capability by its name in package providers, and for the
// firewall rule.
func TestOptionsAndCapabilitiesOfADriverAreOnItsPage(t *testing.T) {
	t.Parallel()
	tr := checkout(t)
	for _, p := range tr.packages {
		if path.Dir(p.path) != "pkg/providers" || !tr.isDriver(p.path) {
			continue
		}
		page := "docs/providers/" + path.Base(p.path) + ".md"
		for _, option := range constants(p, "Option") {
			if !strings.Contains(section(tr.files[page], "Options"), "`"+option+"`") {
				t.Errorf("%s: the option %q of %s has no line under Options", page, option, p.path)
			}
		}
		for _, c := range reflect.VisibleFields(reflect.TypeFor[providers.Capabilities]()) {
			if !strings.Contains(section(tr.files[page], "Capabilities"), c.Name) {
				t.Errorf("%s: the capability %s has no line under Capabilities", page, c.Name)
			}
		}
		if !strings.Contains(tr.files[page], "7112") {
			t.Errorf("%s: the page does not say which firewall rule lets UDP port 7112 through", page)
		}
	}
}

// constants returns the values of a package's string constants whose names begin
// with prefix.
func constants(p *pack, prefix string) (values []string) {
	for _, s := range p.files {
		if s.test {
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			for i := 0; ok && i < len(spec.Values) && i < len(spec.Names); i++ {
				value, err := literal(spec.Values[i])
				if err == nil && strings.HasPrefix(strings.ToLower(spec.Names[i].Name), strings.ToLower(prefix)) {
					values = append(values, value)
				}
			}
			return true
		})
	}
	return values
}

func literal(e ast.Expr) (string, error) {
	basic, ok := e.(*ast.BasicLit)
	if !ok {
		return "", strconv.ErrSyntax
	}
	return strconv.Unquote(basic.Value)
}
