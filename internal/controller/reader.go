// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"context"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Reader makes the reads of one provider, for whatever groups. Every call ends within
// one attempt, and a preflight, which is several, within four. Its methods may be called from several goroutines.
type Reader struct {
	Name     string // of the provider
	Provider providers.Provider
	Clock    func() election.Instant
	Observe  func(Call) // takes every provider call; must not block
}

// Answer is what one address's part of an owner read came to.
type Answer struct {
	Reading
	Err error
}

// Batches reports whether the provider reads many addresses in one call.
func (r *Reader) Batches() bool {
	_, ok := r.Provider.(providers.BatchReader)
	return ok
}

// Calls returns about how many calls Owners makes for these addresses: one a family
// where the provider has a call for many, else one each.
func (r *Reader) Calls(as []providers.Address) int {
	if !r.Batches() {
		return len(as)
	}
	four, six := 0, 0
	for _, a := range as {
		if a.IP.Is6() {
			six = 1
		} else {
			four = 1
		}
	}
	return four + six
}

// Owners reads the owner of every address in one call where the provider has one, else
// one after the other, each within an attempt of its own. Callers that have workers to
// spare ask it about such addresses side by side. Of an owner that is not known by its
// target it asks by what it can be recognised (Recognise); known may be nil.
func (r *Reader) Owners(ctx context.Context, as []providers.Address, known Known) []Answer {
	if p, ok := r.Provider.(providers.BatchReader); ok && len(as) > 1 {
		return r.listed(ctx, p, as, known)
	}
	answers := make([]Answer, len(as))
	for i, a := range as {
		answers[i] = r.single(ctx, a, known)
	}
	return answers
}

func (r *Reader) single(ctx context.Context, a providers.Address, known Known) (got Answer) {
	ctx, cancel := context.WithTimeout(ctx, election.AttemptTimeout)
	defer cancel()
	got.Began = r.Clock()
	got.Err = r.observed(Call{Op: OpOwner, Address: a, Addresses: 1}, func() (err error) {
		got.Seen, err = r.Provider.Owner(ctx, a)
		return err
	})
	if got.Err == nil {
		got.Seen = r.recognise(ctx, a, got.Seen, known, got.Began)
	}
	got.Ended = r.Clock()
	return got
}

func (r *Reader) listed(ctx context.Context, p providers.BatchReader, as []providers.Address, known Known) []Answer {
	ctx, cancel := context.WithTimeout(ctx, election.AttemptTimeout)
	defer cancel()
	began := r.Clock()
	var readings []providers.Reading
	_ = r.observed(Call{Op: OpOwner, Address: as[0], Addresses: len(as)}, func() error {
		readings = p.Owners(ctx, as)
		return firstError(readings)
	}) // observed; each reading has its own error
	if len(readings) != len(as) {
		panic("provider " + r.Name + " gives another number of readings than it was asked for")
	}
	for i := range readings {
		if got := &readings[i]; got.Err == nil {
			got.Assignment = r.recognise(ctx, as[i], got.Assignment, known, began)
		}
	}
	ended, answers := r.Clock(), make([]Answer, len(as))
	for i, got := range readings {
		answers[i] = Answer{Reading: Reading{Began: began, Ended: ended, Seen: got.Assignment}, Err: got.Err}
	}
	return answers
}

func firstError(rs []providers.Reading) error {
	for _, r := range rs {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}

// InstanceState asks how the machine is that t, which holds a, stands for. Where the
// provider cannot tell, or does not answer, it is unknown.
func (r *Reader) InstanceState(ctx context.Context, a providers.Address, t providers.Target) (providers.InstanceState, error) {
	p, ok := r.Provider.(providers.Inspector)
	if !ok {
		return providers.InstanceUnknown, nil
	}
	ctx, cancel := context.WithTimeout(ctx, election.AttemptTimeout)
	defer cancel()
	state := providers.InstanceUnknown
	err := r.observed(Call{Op: OpInstanceState, Address: a, Addresses: 1}, func() (err error) {
		state, err = p.InstanceState(ctx, t)
		return err
	})
	if err != nil {
		return providers.InstanceUnknown, err
	}
	return state, nil
}

// PreflightTimeout bounds a preflight: up to four calls, one after the other, each within
// an attempt of its own. Nobody waits for it.
const PreflightTimeout = 4 * election.AttemptTimeout

// Preflight asks whether a move of a to t would be refused.
func (r *Reader) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	p, ok := r.Provider.(providers.Preflighter)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, PreflightTimeout)
	defer cancel()
	return r.observed(Call{Op: OpPreflight, Address: a, Addresses: 1}, func() error { return p.Preflight(ctx, a, t) })
}

// Failed reports whether the cloud says that an accepted move of a has come to
// nothing. The owner read alone decides whether it succeeded. The error is why the cloud
// did not say.
func (r *Reader) Failed(ctx context.Context, a providers.Address, accepted providers.Result) (bool, error) {
	p, ok := r.Provider.(providers.Tracker)
	if !ok || accepted.Operation == "" {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, election.AttemptTimeout)
	defer cancel()
	state := providers.OperationUnknown
	err := r.observed(Call{Op: OpOperation, Address: a, Addresses: 1}, func() (err error) {
		state, err = p.Operation(ctx, a, accepted)
		return err
	})
	return err == nil && state == providers.OperationFailed, err
}

// observed makes one call and tells the observer.
func (r *Reader) observed(c Call, call func() error) error {
	began := r.Clock()
	c.Err = call()
	c.Provider, c.Took = r.Name, r.Clock().Sub(began)
	r.Observe(c)
	return c.Err
}
