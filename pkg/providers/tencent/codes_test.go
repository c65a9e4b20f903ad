// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

var update = flag.Bool("update", false, "rewrite testdata/codes.txt; judge every code that is new to an action")

// inUse returns the actions that the driver calls, from its source.
func inUse(t *testing.T) []string {
	t.Helper()
	actions := []string{actionDescribeInstances, actionDescribeGroups}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	request := regexp.MustCompile(`vpc\.New(\w+)Request\(`)
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range request.FindAllSubmatch(source, -1) {
			actions = append(actions, string(m[1]))
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// ofCVM are the codes of the actions of cvm, whose module is not used: README.md and
// cvm/v20170312/client.go of tencentcloud-sdk-go.
var ofCVM = map[string][]string{
	actionDescribeInstances: {
		"FailedOperation.IllegalTagKey", "FailedOperation.IllegalTagValue", "FailedOperation.TagKeyReserved", "InternalServerError",
		"InvalidFilter", "InvalidFilterValue.LimitExceeded", "InvalidHostId.Malformed", "InvalidInstanceId.Malformed", "InvalidParameter",
		"InvalidParameterValue", "InvalidParameterValue.IPAddressMalformed", "InvalidParameterValue.InvalidIpFormat",
		"InvalidParameterValue.InvalidVagueName", "InvalidParameterValue.LimitExceeded", "InvalidParameterValue.SubnetIdMalformed",
		"InvalidParameterValue.TagKeyNotFound", "InvalidParameterValue.VpcIdMalformed", "InvalidSecurityGroupId.NotFound",
		"InvalidSgId.Malformed", "InvalidZone.MismatchRegion", "ResourceNotFound.HpcCluster", "UnauthorizedOperation.InvalidToken",
	},
	actionDescribeGroups: {"InvalidParameterValue.DisasterRecoverGroupIdMalformed", "InvalidParameterValue.LimitExceeded"},
}

// listed returns the codes that the vendor's SDK lists for each action of vpc, in the
// comment of its method.
func listed(t *testing.T) map[string][]string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312").Output()
	if err != nil {
		t.Fatalf("find the SDK: %v", err)
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "client.go"))
	if err != nil {
		t.Fatal(err)
	}
	comment := regexp.MustCompile(`(?m)((?:^//.*\n)+)^func \(c \*Client\) (\w+)\(request`)
	code := regexp.MustCompile(`(?m)^//\s+[A-Z_0-9]+ = "([^"]+)"`)
	out := map[string][]string{}
	for _, m := range comment.FindAllStringSubmatch(string(source), -1) {
		for _, c := range code.FindAllStringSubmatch(m[1], -1) {
			out[m[2]] = append(out[m[2]], c[1])
		}
	}
	return out
}

// TestEveryListedCodeWasJudged compares what each code means for each action that may
// answer it with testdata/codes.txt, which somebody has read line by line. A newer SDK
// with more codes fails it.
func TestEveryListedCodeWasJudged(t *testing.T) {
	t.Parallel()
	codesOf := listed(t)
	var got strings.Builder
	for _, action := range inUse(t) {
		all := slices.Concat(codesOf[action], ofCVM[action])
		if len(all) == 0 {
			t.Errorf("%s: no codes are listed", action)
		}
		slices.Sort(all)
		fmt.Fprintf(&got, "%s\n", action)
		for _, code := range all {
			m, by := lookup(code), "by itself"
			kind := m.read
			if isWrite(action) {
				kind = m.of(action, code)
			}
			if _, own := codes[code]; !own {
				first, _, _ := strings.Cut(code, ".")
				by = "by " + first
				if _, known := codes[first]; !known {
					by = "as unknown"
				}
			}
			fmt.Fprintf(&got, "  %-11s %s, %s\n", kind, code, by)
			if kind == providers.Ambiguous && !slices.Contains(broke, code) {
				t.Errorf("%s: %s says nothing of what happened, though the cloud refused", action, code)
			}
		}
	}
	const name = "testdata/codes.txt"
	if *update {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wanted, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(wanted), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("%s (-read, +now; judge what is new, then -update):\n%s", name, diff)
	}
}

// broke are the codes of a write that broke down, maybe after its effect.
var broke = []string{"FailedOperation.TaskFailed", "InternalError.ModuleError", "InternalServerError"}
