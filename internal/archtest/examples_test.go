// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/google/go-cmp/cmp"
)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// configurations are the complete files in the examples and in the README. Other
// documents show fragments.
func configurations(tr *tree) map[string]string {
	files := map[string]string{}
	for _, name := range tr.named("fipctl*.yaml") {
		if matches("examples/...", name) {
			files[name] = tr.files[name]
		}
	}
	for _, name := range tr.named("README.md") {
		for i, text := range firstGroups(yamlBlock, tr.files[name]) {
			files[name+" block "+string(rune('1'+i))] = text
		}
	}
	return files
}

// load reads a configuration as it would be read on one of its nodes.
func load(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	return config.Load("/etc/fipctl/fipctl.yaml", config.Options{
		AnyNode:   true,
		SkipFiles: true,
		Hostname:  func() (string, error) { return "", nil },
		ReadFile:  func(string) ([]byte, error) { return []byte(text), nil },
	})
}

// onPurpose has the settings of examples that are warned about and shown all the same,
// because their README is about them.
var onPurpose = map[string]string{
	"examples/jdcloud-eip-nginx/fipctl.yaml": "providers.jdcloud.network",
}

func TestConfigurationsInDocumentsAndExamplesAreValid(t *testing.T) {
	t.Parallel()
	files := configurations(checkout(t))
	if len(files) < 2 {
		t.Fatalf("found %d configurations, expected the README's and each example's", len(files))
	}
	for name, text := range files {
		c, err := load(t, text)
		if err != nil {
			t.Errorf("%s:\n%v", name, err)
			continue
		}
		for _, w := range c.Warnings {
			if w.Path == onPurpose[name] {
				continue
			}
			t.Errorf("%s: an example should not be warned about: %v", name, w)
		}
	}
}

// setting returns the values of a key in a unit file.
func setting(unit, key string) []string {
	return firstGroups(regexp.MustCompile(`(?m)^`+key+`=(.*)$`), unit)
}

func TestTheUnitOfEachExampleStopsRestartsAndStartsAsTheDaemonExpects(t *testing.T) {
	t.Parallel()
	tr := checkout(t)
	units := tr.named("fipctl.service")
	if len(units) == 0 {
		t.Fatal("no example has a unit")
	}
	for _, name := range units {
		unit := tr.files[name]
		got := map[string][]string{}
		want := map[string][]string{
			"Type":              {"notify"},
			"KillMode":          {"mixed"},   // a check killed during the handover looks like a failure
			"KillSignal":        {"SIGTERM"}, // hands over
			"RestartKillSignal": {"SIGUSR1"}, // moves nothing
			"Restart":           {"always"},  // systemd takes the end by SIGPIPE or SIGTERM for a clean one
			"RestartSec":        {"100ms"},   // back before the peers' timers end
			// A file with problems fails the reload, and the signal is not sent.
			"ExecReload":      {"/usr/local/bin/fipctl check --quiet --config /etc/fipctl/fipctl.yaml", "/bin/kill -HUP $MAINPID"},
			"WatchdogSec":     {"30s"}, // a pause of 15 s must not end the owner
			"TimeoutAbortSec": {"5s"},  // a stack that nobody reads must not keep a hung owner
			"LimitCORE":       {"0"},   // keys are in memory
			"UMask":           {"0077"},
			"RemoveIPC":       {"yes"},
			// Checks would inherit a niceness, and resetting it is filtered.
			"CPUWeight": {"1000"},
			"Nice":      nil,
			// What is filtered fails: a call that kills is an outage for a habit of a library.
			"SystemCallFilter":      {"@system-service", "~@privileged @resources"},
			"SystemCallErrorNumber": {"EPERM"},
			"Wants":                 {"network-online.target"},
			"After":                 {"network-online.target " + checked(t, tr, name) + ".service"},
			"RuntimeDirectory":      {"fipctl"},
			"StateDirectory":        {"fipctl"},
		}
		for key := range want {
			got[key] = setting(unit, key)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		checkStopTimeout(t, tr, name)
	}
}

// exposureMax is the most that systemd may find exposed, in tenths (systemd.exec(5); 100 is
// everything).
const exposureMax = "20"

// TestTheUnitOfEachExampleIsNarrow asks systemd itself, which reads the files and runs
// nothing.
func TestTheUnitOfEachExampleIsNarrow(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze on this machine to judge the units with")
	}
	tr := checkout(t)
	for _, name := range tr.named("fipctl.service") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(analyze, "security", "--offline=yes", "--threshold="+exposureMax, filepath.Join(root, name)).CombinedOutput()
			if err != nil {
				t.Errorf("exposed: %v\n%s", err, out)
			}
			// Verified is a copy that starts the program that was built.
			unit := filepath.Join(t.TempDir(), "fipctl.service")
			text := strings.ReplaceAll(tr.files[name], "/usr/local/bin/fipctl", built(t))
			if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(analyze, "verify", unit).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("verify: %v\n%s", err, out)
			}
		})
	}
}

// checked returns the service that the example beside a unit checks, which is named
// like its unit.
func checked(t *testing.T, tr *tree, unit string) string {
	t.Helper()
	c, err := load(t, tr.files[path.Join(path.Dir(unit), "fipctl.yaml")])
	if err != nil || len(c.Groups[0].Checks) == 0 {
		t.Fatalf("%s has no fipctl.yaml with a check beside it: %v", unit, err)
	}
	return c.Groups[0].Checks[0].Name
}

// checkStopTimeout compares the unit's patience with what a handover may take.
func checkStopTimeout(t *testing.T, tr *tree, unit string) {
	t.Helper()
	folder := path.Dir(unit)
	c, err := load(t, tr.files[path.Join(folder, "fipctl.yaml")])
	if err != nil {
		t.Errorf("%s has no valid fipctl.yaml beside it: %v", unit, err)
		return
	}
	stop, err := time.ParseDuration(strings.Join(setting(tr.files[unit], "TimeoutStopSec"), " "))
	if err != nil {
		t.Errorf("%s: TimeoutStopSec: %v", unit, err)
		return
	}
	for _, g := range c.Groups {
		for _, a := range g.Addresses {
			handover := g.ClaimTimeout + moveTimeout(t, a)
			if margin := 10 * time.Second; stop < handover+margin {
				t.Errorf("%s: TimeoutStopSec is %v, but handing over %s may take %v: want %v or more",
					unit, stop, a.IP, handover, handover+margin)
			}
		}
	}
}

func TestExamplesAreWholeAndEndWithAFailover(t *testing.T) {
	t.Parallel()
	tr := checkout(t)
	folders, err := filepath.Glob(root + "/examples/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, folder := range folders {
		name := "examples/" + filepath.Base(folder)
		headings := firstGroups(regexp.MustCompile(`(?m)^## (.+)$`), tr.files[name+"/README.md"])
		if len(headings) == 0 || headings[len(headings)-1] != "See a failover" {
			t.Errorf("%s/README.md: headings %q, the last should be \"See a failover\"", name, headings)
		}
		for file := range tr.files {
			if path.Dir(file) == name && path.Base(file) != "README.md" &&
				!slices.Contains(strings.FieldsFunc(tr.files[name+"/README.md"], notInName), path.Base(file)) {
				t.Errorf("%s is not mentioned in the example's README.md", file)
			}
		}
	}
}

func notInName(r rune) bool { return strings.ContainsRune(" \n/`()[],;:", r) }
