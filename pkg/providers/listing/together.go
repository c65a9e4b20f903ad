// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package listing

import "sync"

// Together makes calls side by side and returns when all have ended. As each takes its
// context's time, none takes another's.
func Together(calls ...func()) {
	var all sync.WaitGroup
	for _, call := range calls {
		all.Go(call)
	}
	all.Wait()
}
