// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAnInterfaceThatTheConfigurationTellsIsNotAskedFor(t *testing.T) {
	t.Parallel()
	c := &completed{stated{"tencent", Settings{Target: "ins-1/eni-1/10.0.4.20"}}, nil}
	if id, err := c.Identity(t.Context()); err != nil || id.Target.Interface != "eni-1" {
		t.Errorf("%+v, %v", id.Target, err)
	}
}

func TestWithoutAMetadataServiceTheConfigurationSaysWhoThisMachineIs(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		source, err := OpenMetadata(name, Settings{MetadataEndpoint: NoMetadata, Target: "ins-1/10.0.4.20", Region: "r"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := source.Identity(t.Context())
		want := metadata.Identity{Target: providers.ParseTarget("ins-1/10.0.4.20"), Region: "r"}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(providers.Target{}.PrivateIP)); diff != "" || err != nil || source.Cloud() != name {
			t.Errorf("%s (%v): -want +got:\n%s", source.Cloud(), err, diff)
		}
		if source, err = OpenMetadata(name, Settings{MetadataEndpoint: NoMetadata}); err != nil {
			t.Fatal(err)
		}
		if _, err = source.Identity(t.Context()); err == nil || !strings.Contains(err.Error(), "nodes[].target."+name) {
			t.Errorf("without a word: %v", err)
		}
		if _, err = OpenMetadata(name, Settings{MetadataEndpoint: NoMetadata, Role: "r"}); err == nil || !strings.Contains(err.Error(), "set credentials_file") {
			t.Errorf("with a role: %v", err)
		}
	}
}
