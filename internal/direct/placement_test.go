// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

// placer is a cloud that can tell where machines run.
type placer struct {
	*fakeCloud
	where map[string]providers.Placement
	err   error
}

func (p placer) Placement(_ context.Context, t providers.Target) (providers.Placement, error) {
	return p.where[t.Instance], p.err
}

func TestOnlineSaysWhoCanFailTogether(t *testing.T) {
	t.Parallel()
	const subject = "fake placement"
	a, b := onA.Target.Instance, onB.Target.Instance
	for _, tt := range []struct {
		name  string
		where map[string]providers.Placement
		err   error
		want  Finding
	}{
		{"apart", map[string]providers.Placement{a: {Zone: "z1"}, b: {Zone: "z2"}}, nil,
			Finding{subject, true, "this machine and lb-a fail apart: in zones z2 and z1"}},
		{"together", map[string]providers.Placement{a: {Host: "h"}, b: {Host: "h"}}, nil,
			Finding{subject, false, "this machine and lb-a can fail together: both on host h; move one of them"}},
		{"unknown is no fault", nil, nil,
			Finding{subject, true, "whether this machine and lb-a can fail together is unknown: the cloud does not tell"}},
		{"an answer that does not come is one", nil, errors.New("no answer"), Finding{subject, false, "no answer"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, f := newFake(t)
			cloud := c.Clouds["fake"]
			cloud.Kinds = map[string]providers.Provider{"reserved-ip": placer{f, tt.where, tt.err}}
			c.Clouds["fake"] = cloud
			var got []Finding
			for _, finding := range c.Online(t.Context()) {
				if finding.Subject == subject {
					got = append(got, finding)
				}
			}
			if diff := cmp.Diff([]Finding{tt.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAPeerWhoseMachineIsNotKnownIsNotCompared(t *testing.T) {
	t.Parallel()
	c, f := newFake(t)
	f.owner[webIP] = providers.Assignment{}
	cloud := c.Clouds["fake"]
	cloud.Kinds = map[string]providers.Provider{"reserved-ip": placer{fakeCloud: f}}
	c.Clouds["fake"] = cloud
	for i, n := range c.Nodes {
		n.Targets = nil
		c.Nodes[i] = n
	}
	want := []Finding{{"fake placement", true, "which machine lb-a is, is not known here; set nodes[].target.fake to compare where the two run"}}
	if diff := cmp.Diff(want, c.checkPlacement(t.Context(), "fake", onB.Target)); diff != "" {
		t.Error(diff)
	}
}
