// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documentVariable names a file that holds what `fipctl lab -o json` printed. The
// continuous integration sets it after a run of every scenario.
const documentVariable = "FIPCTL_LAB_DOCUMENT"

// labDocument is the interface that scripts around the lab rely on. A pointer is
// null where the figure does not apply.
type labDocument struct {
	Version   int           `json:"version"`
	Scenarios []labScenario `json:"scenarios"`
	Skipped   []struct {    // that do not apply to the kind of address
		Name     string `json:"name"`
		Provider string `json:"provider"`
		Kind     string `json:"kind"`
		Why      string `json:"why"`
	} `json:"skipped"`
}

type labScenario struct {
	Name           string `json:"name"`
	Provider       string `json:"provider"`
	Kind           string `json:"kind"`
	Passed         *bool  `json:"passed"`
	Moves          *int   `json:"moves"`
	Writes         *int   `json:"writes"`
	OutageMS       *int64 `json:"outage_ms"`
	FailedRequests *int   `json:"failed_requests"`
	DetectMS       *int64 `json:"detect_ms"`
	DecideMS       *int64 `json:"decide_ms"`
	APIMS          *int64 `json:"api_ms"`
	FirstAnswerMS  *int64 `json:"first_answer_ms"`
	GapMS          *int64 `json:"gap_ms"`
	AddedMS        *int64 `json:"added_ms"`
	SeenMS         *int64 `json:"seen_ms"`
	Calls          *struct {
		OwnerReads    int `json:"owner_reads"`
		Operations    int `json:"operations"`
		MachineStates int `json:"machine_states"`
		Preflights    int `json:"preflights"`
		Writes        int `json:"writes"`
	} `json:"calls"`
	Owner *string `json:"owner"`
	Why   *string `json:"why"`
}

func TestTheLabsDocumentIsWholeAndEveryScenarioPassed(t *testing.T) {
	t.Parallel()
	name := os.Getenv(documentVariable)
	if name == "" {
		t.Skipf("%s is not set: only a run of the lab writes the document", documentVariable)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	list, err := exec.Command(built(t), "lab", "--list").Output()
	if err != nil {
		t.Fatalf("list scenarios: %v", err)
	}
	for _, problem := range checkLabDocument(text, scenarioNames(string(list))) {
		t.Error(problem)
	}
}

func TestAFaultInTheLabsDocumentIsNoticed(t *testing.T) {
	t.Parallel()
	good := `{"name":"killed","provider":"p","kind":"k","passed":true,"moves":1,"writes":1,"outage_ms":900,` +
		`"failed_requests":4,"detect_ms":null,"decide_ms":1,"api_ms":2,"first_answer_ms":3,"owner":"lb-b","why":null}`
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a whole one", `{"version":1,"scenarios":[` + good + `]}`, nil},
		{"another version", `{"version":2,"scenarios":[` + good + `]}`, []string{"version 2, want 1"}},
		{"a failed scenario", `{"version":1,"scenarios":[` + strings.Replace(good, "true", "false", 1) + `]}`, []string{"killed: did not pass"}},
		{"one that does not apply", `{"version":1,"scenarios":[],"skipped":[{"name":"killed","provider":"p","kind":"k","why":"w"}]}`, nil},
		{"one that does not apply, nobody knows why", `{"version":1,"scenarios":[],"skipped":[{"name":"killed","provider":"p","kind":"k"}]}`,
			[]string{"killed: it is not said why it was not played"}},
		{"a missing field", `{"version":1,"scenarios":[` + strings.Replace(good, `"moves":1,`, "", 1) + `]}`, []string{"killed: a field is missing"}},
		{"an unknown field", `{"version":1,"more":1}`, []string{`decode document: json: unknown field "more"`}},
		{"two documents", `{"version":1,"scenarios":[` + good + `]}{}`, []string{"something follows the document"}},
		{"no scenario", `{"version":1,"scenarios":[]}`, []string{`scenarios [], want ["killed"]`}},
	} {
		if diff := cmp.Diff(c.want, checkLabDocument([]byte(c.text), []string{"killed"})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func checkLabDocument(text []byte, want []string) (problems []string) {
	var d labDocument
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return []string{"decode document: " + err.Error()}
	}
	if decoder.More() {
		problems = append(problems, "something follows the document")
	}
	if d.Version != 1 {
		problems = append(problems, fmt.Sprintf("version %d, want 1", d.Version))
	}
	var names []string
	for _, s := range d.Scenarios {
		names = append(names, s.Name)
		switch {
		case s.Provider == "" || s.Kind == "" || s.Passed == nil || s.Moves == nil || s.Writes == nil || s.FailedRequests == nil:
			problems = append(problems, s.Name+": a field is missing")
		case !*s.Passed:
			problems = append(problems, s.Name+": did not pass")
		}
	}
	for _, s := range d.Skipped {
		names = append(names, s.Name)
		if s.Why == "" {
			problems = append(problems, s.Name+": it is not said why it was not played")
		}
	}
	if slices.Sort(names); !slices.Equal(names, want) {
		problems = append(problems, fmt.Sprintf("scenarios %q, want %q", names, want))
	}
	return problems
}

var listLine = regexp.MustCompile(`(?m)^[* ] (\S+) {2,}\S`)

// scenarioNames reads the names in a list of scenarios that a run of all plays: each line
// has a mark, the name and, set apart, the story.
func scenarioNames(list string) []string {
	names := firstGroups(listLine, list)
	slices.Sort(names)
	return names
}

func TestTheListOfScenariosIsRead(t *testing.T) {
	t.Parallel()
	got := scenarioNames("* killed              the host dies\n  a-very-long-scenario-name  a story\n- by-hand  not part of all\n* the default set\n")
	if diff := cmp.Diff([]string{"a-very-long-scenario-name", "killed"}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
