// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// newReader returns a reader on the time of the bubble, and the calls that it tells.
func newReader(p providers.Provider) (*Reader, *[]Call) {
	start, calls := time.Now(), &[]Call{}
	return &Reader{
		Name: "cloud", Provider: p, Clock: func() election.Instant { return now.Add(time.Since(start)) },
		Observe: func(c Call) { *calls = append(*calls, c) },
	}, calls
}

func TestManyAddressesAreOneCallWhereTheProviderHasIt(t *testing.T) {
	tests := []struct {
		name  string
		p     func(*fake) providers.Provider
		as    []providers.Address
		calls int
		noted []string
	}{
		{"a list", func(f *fake) providers.Provider { return lister{f} }, []providers.Address{first, second, first}, 2, []string{"owners of 3"}},
		{"a list of one family", func(f *fake) providers.Provider { return lister{f} }, []providers.Address{first, first}, 1, []string{"owners of 2"}},
		{"one address needs no list", func(f *fake) providers.Provider { return lister{f} }, []providers.Address{second}, 1, []string{"owner 2001:db8::10"}},
		{"no list", func(f *fake) providers.Provider { return f }, []providers.Address{first, second, first}, 3,
			[]string{"owner 203.0.113.10", "owner 2001:db8::10", "owner 203.0.113.10"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				failure := errOf(providers.Throttled)
				f := &fake{owner: func(_ context.Context, a providers.Address) (providers.Assignment, error) {
					if a == second {
						return providers.Assignment{}, failure
					}
					return providers.Assignment{Target: there}, nil
				}}
				r, _ := newReader(tt.p(f))
				var want []Answer
				for _, a := range tt.as {
					answer := Answer{Reading: Reading{Began: now, Ended: now}}
					if a == second {
						answer.Err = failure
					} else {
						answer.Seen.Target = there
					}
					want = append(want, answer)
				}
				if diff := cmp.Diff(want, r.Owners(t.Context(), tt.as, nil), cmpopts.EquateErrors(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
					t.Errorf("answers (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.noted, f.noted()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if got := r.Calls(tt.as); got != tt.calls {
					t.Errorf("it counts %d calls, want %d", got, tt.calls)
				}
			})
		})
	}
}

func TestEveryReadEndsWithinOneAttempt(t *testing.T) {
	f := &fake{
		owner: func(ctx context.Context, _ providers.Address) (providers.Assignment, error) {
			return providers.Assignment{}, hang(ctx)
		},
		preflight: func(ctx context.Context, _ providers.Target) error { return hang(ctx) },
		operation: func(ctx context.Context, _ providers.Result) (providers.OperationState, error) {
			return providers.OperationFailed, hang(ctx)
		},
	}
	limits := map[string]time.Duration{"preflight": 4 * election.AttemptTimeout}
	for name, do := range map[string]func(*testing.T, *Reader) bool{
		"owner": func(t *testing.T, r *Reader) bool {
			a := r.Owners(t.Context(), []providers.Address{first}, nil)[0]
			return a.Err != nil && a.Ended.Sub(a.Began) == election.AttemptTimeout
		},
		"owners in one call": func(t *testing.T, r *Reader) bool {
			r.Provider = lister{f}
			a := r.Owners(t.Context(), []providers.Address{first, second}, nil)
			return a[0].Err != nil && a[1].Err != nil && a[1].Ended.Sub(a[0].Began) == election.AttemptTimeout
		},
		"preflight": func(t *testing.T, r *Reader) bool { return r.Preflight(t.Context(), first, here) != nil },
		"operation": func(t *testing.T, r *Reader) bool {
			failed, err := r.Failed(t.Context(), first, providers.Result{Operation: "71"})
			return !failed && err != nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				start := time.Now()
				r, _ := newReader(f)
				if ok := do(t, r); !ok || time.Since(start) != max(limits[name], election.AttemptTimeout) {
					t.Errorf("right: %v, after %v", ok, time.Since(start))
				}
			})
		})
	}
}

// TestOneAddressThatHangsLeavesTheNextItsTime: those that cannot be listed each have an
// attempt of their own.
func TestOneAddressThatHangsLeavesTheNextItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := &fake{owner: func(ctx context.Context, a providers.Address) (providers.Assignment, error) {
			if a == first {
				return providers.Assignment{}, hang(ctx)
			}
			<-time.After(2500 * time.Millisecond)
			return providers.Assignment{Target: there}, ctx.Err()
		}}
		r, _ := newReader(f)
		a := r.Owners(t.Context(), []providers.Address{first, second}, nil)
		if a[0].Err == nil || a[1].Err != nil || a[1].Began != a[0].Ended || a[1].Ended.Sub(a[1].Began) != 2500*time.Millisecond {
			t.Errorf("got %+v", a)
		}
	})
}

func TestAStateThatIsNotKnownIsUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		state providers.InstanceState
		err   error
		hide  bool
		want  providers.InstanceState
	}{
		{"running", providers.InstanceRunning, nil, false, providers.InstanceRunning},
		{"stopped", providers.InstanceStopped, nil, false, providers.InstanceStopped},
		{"gone", providers.InstanceGone, nil, false, providers.InstanceGone},
		{"an error", providers.InstanceGone, errOf(providers.Denied), false, providers.InstanceUnknown},
		{"a provider that cannot tell", providers.InstanceStopped, nil, true, providers.InstanceUnknown},
	}
	for _, tt := range tests {
		var p providers.Provider = &fake{state: func(providers.Target) (providers.InstanceState, error) { return tt.state, tt.err }}
		if tt.hide {
			p = bare{p}
		}
		r, _ := newReader(p)
		if got, err := r.InstanceState(t.Context(), first, there); got != tt.want || (err == nil) != (tt.err == nil) {
			t.Errorf("%s: got %v, %v", tt.name, got, err)
		}
	}
}

func TestOnlyAClearAnswerSaysThatAMoveFailed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		operation string
		state     providers.OperationState
		err       error
		want      bool
		calls     int
	}{
		{"a failed one", "71", providers.OperationFailed, nil, true, 1},
		{"one that is done proves nothing", "71", providers.OperationDone, nil, false, 1},
		{"one that cannot be asked about proves nothing", "71", providers.OperationFailed, errOf(providers.Denied), false, 1},
		{"a move without a number is not asked about", "", providers.OperationFailed, nil, false, 0},
	} {
		f := &fake{operation: func(context.Context, providers.Result) (providers.OperationState, error) { return tt.state, tt.err }}
		r, calls := newReader(f)
		if got, err := r.Failed(t.Context(), first, providers.Result{Operation: tt.operation}); (err != nil) != (tt.err != nil) || got != tt.want || len(*calls) != tt.calls {
			t.Errorf("%s: got %v with %d calls", tt.name, got, len(*calls))
		}
		r.Provider = bare{f}
		if failed, _ := r.Failed(t.Context(), first, providers.Result{Operation: "71"}); failed {
			t.Errorf("%s: a provider that cannot tell says it", tt.name)
		}
	}
}

func TestEveryReadIsObserved(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		failure := errOf(providers.Busy)
		f := &fake{preflight: func(context.Context, providers.Target) error { <-time.After(ms(30)); return failure }}
		r, calls := newReader(lister{f})
		r.Owners(t.Context(), []providers.Address{first, second}, nil)
		r.Owners(t.Context(), []providers.Address{second}, nil)
		_ = r.Preflight(t.Context(), first, here)
		_, _ = r.InstanceState(t.Context(), first, there)
		_, _ = r.Failed(t.Context(), first, providers.Result{Operation: "71"})
		want := []Call{
			{Op: OpOwner, Address: first, Addresses: 2}, {Op: OpOwner, Address: second, Addresses: 1},
			{Op: OpPreflight, Address: first, Addresses: 1, Took: ms(30), Err: failure},
			{Op: OpInstanceState, Address: first, Addresses: 1}, {Op: OpOperation, Address: first, Addresses: 1},
		}
		for i := range want {
			want[i].Provider = "cloud"
		}
		if diff := cmp.Diff(want, *calls, cmpopts.EquateErrors(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if (&Reader{Provider: bare{f}}).Preflight(t.Context(), first, here) != nil {
			t.Error("a provider without preflight objects")
		}
	})
}
