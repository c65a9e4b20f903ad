// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answer is one scripted answer of a probe.
type answer struct {
	after time.Duration // how long it takes
	deaf  bool          // goes on after the end of its context
	err   error
}

// scripted gives its answers in turn, the last one for ever.
type scripted struct{ answers []answer }

func (s *scripted) Ask(ctx context.Context, _ Values) (string, error) {
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	done := ctx.Done()
	if a.deaf {
		done = nil
	}
	select {
	case <-time.After(a.after):
		return "fine", a.err
	case <-done:
		return "", fmt.Errorf("scripted: %w", context.Cause(ctx))
	}
}

func (s *scripted) Problems() []Problem { return nil }
func (s *scripted) String() string      { return "scripted" }

// observe runs a check for d on virtual time and returns a line per result: when
// it was reported, how long the run took, and what it said.
func observe(t *testing.T, d time.Duration, cfg RunnerConfig) []string {
	t.Helper()
	begin := time.Now()
	var lines []string
	cfg.Group, cfg.Check.Name = "web", "nginx"
	cfg.Check = cfg.Check.WithDefaults()
	cfg.Report = func(r Result) {
		change := ""
		if r.Changed {
			change = "!"
		}
		if want := begin.Add(time.Since(begin) - r.Took); !r.At.Equal(want) {
			t.Errorf("the run started at %v, want %v", r.At, want)
		}
		lines = append(lines, fmt.Sprintf("%v %v %v%s: %s", time.Since(begin), r.Took, r.State, change, r.Text))
	}
	r, err := NewRunner(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	time.Sleep(d) // virtual: inside the bubble it only moves the clock
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v after its context ended, want nil", err)
	}
	return lines
}

func TestRunner(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	bad := errors.New("bad")
	tests := []struct {
		name    string
		answers []answer
		delay   time.Duration
		run     time.Duration
		want    []string
	}{
		{"the first run waits for its delay, the others follow in step with it",
			[]answer{{}}, 30 * ms, 4500 * ms, []string{
				"30ms 0s passing!: fine",
				"2.03s 0s passing: fine",
				"4.03s 0s passing: fine",
			}},
		{"the time a run takes does not shift the next",
			[]answer{{after: 700 * ms}, {after: 1 * ms}, {after: 999 * ms}, {}}, 0, 6500 * ms, []string{
				"700ms 700ms passing!: fine",
				"2.001s 1ms passing: fine",
				"4.999s 999ms passing: fine",
				"6s 0s passing: fine",
			}},
		{"fall failures decide at the start too, one an interval, rise successes end it",
			[]answer{{err: bad}, {err: bad}, {err: bad}, {err: bad}, {}, {}}, 0, 8500 * ms, []string{
				"0s 0s unknown: bad",
				"1s 0s unknown: bad",
				"2s 0s unknown: bad",
				"4s 0s failing!: bad",
				"6s 0s failing: fine",
				"8s 0s passing!: fine",
			}},
		{"fall failures in a row make it fail",
			[]answer{{}, {err: bad}}, 0, 6500 * ms, []string{
				"0s 0s passing!: fine",
				"2s 0s passing: bad",
				"4s 0s passing: bad",
				"6s 0s failing!: bad",
			}},
		{"a hanging probe fails when its timeout is over",
			[]answer{{after: time.Hour}, {}}, 0, 2500 * ms, []string{
				"1s 1s unknown: scripted: timed out after 1s",
				"2s 0s passing!: fine",
			}},
		{"an answer after the timeout is a failure",
			[]answer{{after: 1100 * ms, deaf: true}, {}}, 0, 2500 * ms, []string{
				"1.1s 1.1s unknown: scripted: timed out after 1s",
				"2s 0s passing!: fine",
			}},
		{"a probe that does not come back is counted every interval, once per run in the end",
			[]answer{{}, {after: 6700 * ms, deaf: true}, {}}, 0, 10500 * ms, []string{
				"0s 0s passing!: fine",
				"3.5s 1.5s passing: scripted: hangs for 1.5s",
				"5.5s 3.5s passing: scripted: hangs for 3.5s",
				"7.5s 5.5s failing!: scripted: hangs for 5.5s",
				"8.7s 0s failing: fine",
				"10s 0s passing!: fine",
			}},
		{"an inconclusive run changes nothing and is repeated soon, beside the rhythm",
			[]answer{{err: ErrNoValue}, {}, {err: ErrInconclusive}, {err: bad}}, 0, 6500 * ms, []string{
				"0s 0s unknown: no value",
				"1s 0s passing!: fine",
				"2s 0s passing: cannot tell",
				"3s 0s passing: bad",
				"4s 0s passing: bad",
				"6s 0s failing!: bad",
			}},
		{"a run that the end cuts short is not reported",
			[]answer{{}, {after: time.Hour}}, 0, 2500 * ms, []string{
				"0s 0s passing!: fine",
			}},
		{"a probe that hangs beyond the end is not reported",
			[]answer{{}, {after: 20 * time.Second, deaf: true}}, 0, 2500 * ms, []string{
				"0s 0s passing!: fine",
			}},
		{"the end during the first delay reports nothing",
			[]answer{{}}, time.Second, 500 * ms, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got := observe(t, tt.run, RunnerConfig{
					Check:      Check{Probe: &scripted{answers: tt.answers}},
					FirstDelay: tt.delay,
				})
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("results (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestAnInconclusiveRunIsRepeatedInGrowingStepsUpToTheInterval has an interval by which a
// restart would otherwise be a failover.
func TestAnInconclusiveRunIsRepeatedInGrowingStepsUpToTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		unsure := answer{err: ErrInconclusive}
		got := observe(t, 70*time.Second, RunnerConfig{Check: Check{
			Interval: 30 * time.Second, Probe: &scripted{answers: []answer{unsure, unsure, unsure, unsure, unsure, unsure, {}, unsure, {}}},
		}})
		want := []string{
			"0s 0s unknown: cannot tell", "1s 0s unknown: cannot tell", "3s 0s unknown: cannot tell", "7s 0s unknown: cannot tell",
			"15s 0s unknown: cannot tell", "30s 0s unknown: cannot tell", // 16 s later comes after the rhythm at first
			"46s 0s passing!: fine", "1m0s 0s passing: cannot tell", "1m1s 0s passing: fine",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	})
}

// TestOneFailureAtTheStartCostsNoInterval has a service that fails once right after a restart,
// and one that stays down: what is asked in between brings the verdict forward only for the better.
func TestOneFailureAtTheStartCostsNoInterval(t *testing.T) {
	t.Parallel()
	bad := answer{err: errors.New("bad")}
	for _, tt := range []struct {
		name    string
		answers []answer
		want    []string
	}{
		{"it comes", []answer{bad, bad, {}}, []string{"0s 0s unknown: bad", "1s 0s unknown: bad", "3s 0s passing!: fine", "30s 0s passing: fine"}},
		{"it stays down", []answer{bad}, []string{
			"0s 0s unknown: bad", "1s 0s unknown: bad", "3s 0s unknown: bad", "7s 0s unknown: bad", "15s 0s unknown: bad", "30s 0s failing!: bad"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got := observe(t, 50*time.Second, RunnerConfig{Check: Check{Interval: 30 * time.Second, Fall: 2, Probe: &scripted{answers: tt.answers}}})
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("results (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestRunnerNamesGroupAndCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var got Result
		r, err := NewRunner(RunnerConfig{
			Group:  "web",
			Check:  Check{Name: "nginx", Probe: &scripted{answers: []answer{{after: time.Millisecond}}}}.WithDefaults(),
			Report: func(r Result) { got = r; cancel() },
		})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := r.Run(ctx); err != nil {
			t.Fatal(err)
		}
		want := Result{Group: "web", Check: "nginx", OK: true, State: Passing, Changed: true,
			Text: "fine", At: start, Took: time.Millisecond}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("result (-want +got):\n%s", diff)
		}
		if got, want := r.String(), "check nginx of group web"; got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	})
}

func TestRunnerAsksForTheValuesEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var known Values
		seen := observe(t, 2500*time.Millisecond, RunnerConfig{
			Check: Check{Probe: expanding{}},
			Values: func() Values {
				v := known
				known.Node = "lb-a" // learned between the first run and the second
				return v
			},
		})
		want := []string{
			"0s 0s unknown: {node} has no value: the name of this node is not known; set it in the configuration",
			"1s 0s passing!: lb-a",
			"2s 0s passing: lb-a",
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	})
}

// TestAnInconclusiveRunIsNotRepeatedWhereTheRhythmIsAsFast: it would come twice at once.
func TestAnInconclusiveRunIsNotRepeatedWhereTheRhythmIsAsFast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &scripted{}
		for range 30 {
			p.answers = append(p.answers, answer{err: ErrInconclusive}, answer{})
		}
		seen := observe(t, 59500*time.Millisecond, RunnerConfig{Check: Check{Probe: p, Interval: retryFirst}})
		if len(seen) != 60 {
			t.Errorf("%d runs in a minute of one a second", len(seen))
		}
	})
}

func TestARunnerGoesOnWithTheCountOfAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var last Result
		run := func(d time.Duration, fail bool) {
			p := &scripted{answers: []answer{{}}}
			if fail {
				p.answers[0].err = errors.New("bad")
			}
			r, err := NewRunner(RunnerConfig{
				Check: Check{Name: "nginx", Probe: p}.WithDefaults(), Report: func(r Result) { last = r },
			})
			if err != nil {
				t.Fatal(err)
			}
			r.Resume(last)
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
		}
		run(time.Second, false)
		for i, want := range []State{Passing, Passing, Failing} { // one failure each
			run(time.Second, true)
			if last.State != want {
				t.Errorf("after failure %d it is %v, want %v", i+1, last.State, want)
			}
		}
	})
}

// TestARunBesideTheRhythmComesAtOnceAndLeavesTheRhythmAlone is what a decision asks for.
func TestARunBesideTheRhythmComesAtOnceAndLeavesTheRhythmAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		begin := time.Now()
		r, err := NewRunner(RunnerConfig{
			Group: "web", Check: Check{Name: "nginx", Probe: &scripted{answers: []answer{{}}}}.WithDefaults(),
			Report: func(Result) { at = append(at, time.Since(begin)) },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		time.Sleep(500 * time.Millisecond) // virtual: inside the bubble it only moves the clock
		r.Now()
		time.Sleep(4 * time.Second)
		cancel()
		<-ended
		if diff := cmp.Diff([]time.Duration{0, 500 * time.Millisecond, 2 * time.Second, 4 * time.Second}, at); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

// expanding answers with the name of the node.
type expanding struct{}

func (expanding) Ask(_ context.Context, v Values) (string, error) { return Expand("{node}", v) }
func (expanding) Problems() []Problem                             { return nil }
func (expanding) String() string                                  { return "expanding" }

func TestNewRunnerRefuses(t *testing.T) {
	t.Parallel()
	good := Check{Name: "nginx", Probe: expanding{}}.WithDefaults()
	bad := good
	bad.Rise, bad.Fall = 0, 0
	tests := []struct {
		name string
		cfg  RunnerConfig
		want string
	}{
		{"a check with problems, all of them", RunnerConfig{Group: "web", Check: bad, Report: func(Result) {}},
			`set up check "nginx" of group "web": rise: 0 is outside 1 to 100; use 2; fall: 0 is outside 1 to 100; use 3`},
		{"a check that reports to nobody", RunnerConfig{Group: "web", Check: good},
			`set up check "nginx" of group "web": no report function`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := NewRunner(tt.cfg)
			if diff := cmp.Diff(tt.want, errText(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer answer
		want   Result
	}{
		{"a success passes", answer{after: time.Millisecond},
			Result{Check: "nginx", OK: true, State: Passing, Changed: true, Text: "fine", Took: time.Millisecond}},
		{"a failure fails", answer{err: errors.New("bad")},
			Result{Check: "nginx", State: Failing, Changed: true, Text: "bad"}},
		{"the default timeout holds", answer{after: time.Hour},
			Result{Check: "nginx", State: Failing, Changed: true, Text: "scripted: timed out after 1s", Took: time.Second}},
		{"a missing value tells nothing", answer{err: ErrNoValue},
			Result{Check: "nginx", Inconclusive: true, NoValue: true, Text: "no value"}},
		{"a probe that cannot tell tells nothing", answer{err: fmt.Errorf("look: %w", ErrInconclusive)},
			Result{Check: "nginx", Inconclusive: true, Text: "look: cannot tell"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt.want.At = time.Now()
				got := Once(t.Context(), Check{Name: "nginx", Probe: &scripted{answers: []answer{tt.answer}}}, Values{})
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
			})
		})
	}
}
