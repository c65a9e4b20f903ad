package sim

import "testing"

func TestTry(t *testing.T) {
	var steps int64
	for seed := uint64(4001); seed <= 12000; seed++ {
		h := Play(seed, nil)
		steps += h.Steps
		for _, v := range h.Violations {
			t.Errorf("%d %s %v: %s", v.Seed, v.Checker, v.At, v.Text)
		}
	}
	t.Log(steps)
}
