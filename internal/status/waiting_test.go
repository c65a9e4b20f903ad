// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"testing"
	"time"
)

func TestWhatIsWaitedForIsNamed(t *testing.T) {
	t.Parallel()
	for want, read := range map[string]*Read{
		"waits: why (r), at most 9s more":                                  nil,
		"waits: why (r), at most 9s more; no read is under way":            {},
		"waits: why (r), at most 9s more; one has been under way for 1.5s": {Since: noon.Add(-1500 * time.Millisecond), Barred: noon.Add(time.Second)},
		"waits: why (r), at most 9s more; the provider answered that there were too many calls: none is made for 4s; one is needed that began less than 2s ago": {
			Barred: noon.Add(4 * time.Second), Needs: noon.Add(-2 * time.Second)},
	} {
		if got := waiting(Waiting{Reason: "r", Text: "why", Until: noon.Add(9 * time.Second), Read: read}, noon); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
