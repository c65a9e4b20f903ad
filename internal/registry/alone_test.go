// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

// TestAKindIsAloneWhereItsProviderListsNothing: how many calls its addresses take is known
// before there are credentials.
func TestAKindIsAloneWhereItsProviderListsNothing(t *testing.T) {
	t.Parallel()
	secrets := env(map[string]string{
		"DO_TOKEN": "x", "TENCENTCLOUD_SECRET_ID": "AKIDxxxxxxxxxxxxxxxx", "TENCENTCLOUD_SECRET_KEY": "x",
		"JDCLOUD_ACCESS_KEY": "x", "JDCLOUD_SECRET_KEY": "x",
	})
	for _, name := range Names() {
		d, _ := Describe(name)
		cloud, err := Open(name, Settings{LookupEnv: secrets})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range d.Kinds {
			if _, lists := cloud.Kinds[k.Name].(providers.BatchReader); lists == k.Alone {
				t.Errorf("%s %s: lists %v, alone %v", name, k.Name, lists, k.Alone)
			}
		}
	}
}
