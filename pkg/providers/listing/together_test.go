// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package listing

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestCallsThatAreMadeTogetherTakeAsLongAsTheSlowest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, ended := time.Now(), 0
		var calls []func()
		for i := range 40 {
			calls = append(calls, func() { time.Sleep(time.Duration(i) * time.Second) })
		}
		Together(append(calls, func() { time.Sleep(time.Minute); ended++ })...)
		if took := time.Since(began); took != time.Minute || ended != 1 {
			t.Errorf("after %v, %d of the slowest had ended", took, ended)
		}
	})
}
