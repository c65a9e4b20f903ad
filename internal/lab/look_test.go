// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"fmt"
	"testing"

	"github.com/fipctl/fipctl/pkg/election"
)

func TestWhyANodeTookARoleIsTheLastReasonItGave(t *testing.T) {
	t.Parallel()
	c := &cluster{record: &recorder{}, nodes: []*node{{name: "lb-a"}, {name: "lb-b"}}}
	for _, e := range []event{
		{Kind: eventRole, Who: "lb-a", To: "active", Reason: "resumed-bound"},
		{Kind: eventRole, Who: "lb-a", To: "active", Reason: "owner-fault"},
		{Kind: eventRole, Who: "lb-a", To: "backup", Reason: "own-stall"},
		{Kind: eventLog, Who: "lb-b", To: "active", Reason: "owner-fault"},
	} {
		c.record.add(e)
	}
	if err := c.became(0, election.Active, election.ReasonOwnerFault); err != nil {
		t.Error(err)
	}
	for i, want := range []string{
		"expect that lb-a became active because of owner-silent: it was owner-fault",
		"expect that lb-b became active because of owner-silent: it was nothing",
	} {
		if got := fmt.Sprint(c.became(i, election.Active, election.ReasonOwnerSilent)); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}
