// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package listing

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// call is how long one lasts.
const call = 2 * time.Second

// reading is one use of Omissions where every call takes its time, and what it was like.
type reading struct {
	took   time.Duration
	listed [][]int // what each list was asked for
	single []int
	most   int // calls of single at once
}

func (u *Omissions) read(keys []string, leaves func(place int) bool, works bool) (r reading) {
	var mu sync.Mutex
	begun, now := time.Now(), 0
	u.Read(keys, func(places []int) (left []int) {
		r.listed = append(r.listed, places)
		time.Sleep(call)
		for _, p := range places {
			if leaves(p) {
				left = append(left, p)
			}
		}
		return left
	}, func(place int) bool {
		mu.Lock()
		r.single = append(r.single, place)
		now++
		r.most = max(r.most, now)
		mu.Unlock()
		time.Sleep(call)
		mu.Lock()
		now--
		mu.Unlock()
		return works
	})
	slices.Sort(r.single)
	r.took = time.Since(begun)
	return r
}

func TestWhatListsLeaveOutIsReadBesideThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u Omissions
		keys := []string{"a", "b", "c"}
		last := func(place int) bool { return place == 2 }
		for i, want := range []reading{
			{2 * call, [][]int{{0, 1, 2}}, []int{2}, 1}, // nobody knows yet
			{call, [][]int{{0, 1}}, []int{2}, 1},
		} {
			if got := u.read(keys, last, true); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("time %d: got %+v, want %+v", i+1, got, want)
			}
		}
		if got := u.read(keys[1:], last, true); got.took != call || len(got.listed) > 0 || len(got.single) != 2 {
			t.Errorf("two, of which one is to be listed: %+v", got)
		}
	})
}

func TestTheListIsAskedAgainAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u Omissions
		keys := []string{"a", "b"}
		u.read(keys, func(int) bool { return true }, true)
		for wait, lists := range map[time.Duration]int{rememberedFor / 2: 0, 2 * rememberedFor: 1} {
			u := Omissions{keys: map[string]time.Time{"a": time.Now(), "b": time.Now()}}
			time.Sleep(wait)
			if got := u.read(keys, func(int) bool { return false }, true); len(got.listed) != lists {
				t.Errorf("after %v: %+v", wait, got)
			}
		}
		if len(u.keys) != 2 {
			t.Errorf("it remembers %v", u.keys)
		}
	})
}

func TestWhatDoesNotExistIsNotLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u Omissions
		for range 2 {
			if got := u.read([]string{"a", "b"}, func(p int) bool { return p == 1 }, false); len(got.listed) != 1 || len(got.listed[0]) != 2 {
				t.Errorf("%+v", got)
			}
		}
	})
}

func TestManyThatAreLeftOutAreReadSixteenAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u Omissions
		keys := make([]string, 2*asideMax)
		for i := range keys {
			keys[i] = fmt.Sprint(i)
		}
		if got := u.read(keys, func(int) bool { return true }, true); got.most != asideMax || got.took != 3*call || len(got.single) != len(keys) {
			t.Errorf("%d at once, %v, %d in all", got.most, got.took, len(got.single))
		}
	})
}
