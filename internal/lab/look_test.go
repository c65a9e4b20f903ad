// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/fipctl/fipctl/pkg/election"
)

func TestWhyANodeTookARoleIsTheLastReasonItGave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := waiting(new([]string))
		c.record, c.nodes = &recorder{}, []*node{{name: "lb-a"}, {name: "lb-b"}}
		for _, e := range []event{
			{Kind: eventRole, Who: "lb-a", To: "active", Reason: "resumed-bound"},
			{Kind: eventRole, Who: "lb-a", To: "active", Reason: "owner-fault"},
			{Kind: eventRole, Who: "lb-a", To: "backup", Reason: "own-stall"},
			{Kind: eventLog, Who: "lb-b", To: "active", Reason: "owner-fault"},
		} {
			c.record.add(e)
		}
		if err := c.became(t.Context(), 0, election.Active, election.ReasonOwnerFault); err != nil {
			t.Error(err)
		}
		for i, want := range []string{
			"wait until lb-a became active because of owner-silent: not within 40s: it was owner-fault",
			"wait until lb-b became active because of owner-silent: not within 40s: it was nothing",
		} {
			if got := fmt.Sprint(c.became(t.Context(), i, election.Active, election.ReasonOwnerSilent)); got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
		}
	})
}
