// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// bugVariable makes TestReference run against a driver with that bug. Only
// TestTheSuiteFindsBugs sets it.
const bugVariable = "FIPCTL_PROVIDERTEST_BUG"

// TestReference runs the suite against every way to move an address.
func TestReference(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		manner
	}{
		{"one call, at once", manner{atomic: true}},
		{"one call, later", manner{atomic: true, async: true}},
		{"one call that names the holder", manner{atomic: true, async: true, named: true}},
		{"one call, and never free", manner{atomic: true, occupied: true}},
		{"detach and attach, at once", manner{}},
		{"detach and attach, later", manner{async: true}},
		{"detach and attach, with the holder named", manner{async: true, named: true}},
		{"announced", manner{announced: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			Run(t, func(t *testing.T) Harness { return newWorld(t, tc.manner, os.Getenv(bugVariable)) })
		})
	}
}

// TestTheSuiteFindsBugs runs the case that is there for a bug against a driver
// that has it, in a process of its own, and expects it to fail.
func TestTheSuiteFindsBugs(t *testing.T) {
	t.Parallel()
	if os.Getenv(bugVariable) != "" {
		t.Skip("this is the process under test")
	}
	for bug, found := range map[string]string{
		"repairs":                           "reads_never_write",
		"remembers":                         "the_owner_is_what_the_cloud_says_now",
		"reads-first":                       "binding_a_free_address_is_one_write",
		"writes-twice":                      "binding_a_free_address_is_one_write",
		"steals":                            "an_attach_does_not_take_an_address_from_a_rival",
		"takes-unknown-for-unbound":         "an_unknown_address_is_not_found",
		"takes-an-empty-answer-for-unbound": "a_read_answered_with_nothing_is_no_owner",
		"takes-a-lost-reply-for-success":    "a_write_whose_reply_is_lost_is_Ambiguous",
		"takes-a-lost-reply-for-failure":    "a_write_whose_reply_is_lost_is_Ambiguous",
		"takes-no-answer-for-gone":          "a_state_that_cannot_be_read_is_Unknown",
		"forgets-retry-after":               "a_throttled_write_took_no_effect",
		"ignores-the-context":               "no_request_once_the_context_is_over",
		"leaks-the-secret":                  "no_secret_in_any_error",
		"drops-what-is-unknown":             "a_batch_says_of_each_address_what_Owner_says",
		"answers-in-another-order":          "a_batch_says_of_each_address_what_Owner_says",
		"forgets-what-is-pending":           "a_batch_says_of_each_address_what_Owner_says",
		"takes-a-lost-list-for-unbound":     "a_batch_answered_with_5xx_is_Transient",
		"remembers-how-far-it-came":         "a_crash_between_two_calls_is_completed_by_either_node",
		"robs":                              "a_rival_that_took_the_address_from_the_holder_keeps_it",
		"releases-from-anybody":             "a_release_does_not_take_an_address_from_a_rival",
		"knows-one-throttling":              "every_way_to_throttle_is_Throttled",
		"guesses":                           "a_stale_read_is_no_more_than_what_it_says",
		"writes-what-the-guest-does":        "an_announced_address_needs_no_write",
		"takes-the-wish-for-the-truth":      "an_announced_address_needs_no_write",
	} {
		t.Run(bug, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReference$//^"+found+"$")
			cmd.Env = append(os.Environ(), bugVariable+"="+bug)
			out, err := cmd.CombinedOutput()
			if err == nil || !failed(string(out), found) {
				t.Errorf("not found by %q (%v):\n%s", found, err, out)
			}
		})
	}
}

// failed reports whether the output of a test shows that this case failed.
func failed(output, name string) bool {
	for line := range strings.Lines(output) {
		if strings.Contains(line, "--- FAIL: ") && strings.Contains(line, "/"+name+" ") {
			return true
		}
	}
	return false
}
