// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/fipctl/fipctl/pkg/metadata"
)

// machine is a metadata service that answers with each of its errors in turn.
type machine struct {
	errs  []error
	asked int
}

func (*machine) Cloud() string { return "cloud" }

func (m *machine) Identity(context.Context) (metadata.Identity, error) {
	m.asked++
	if m.asked <= len(m.errs) {
		return metadata.Identity{}, m.errs[m.asked-1]
	}
	return metadata.Identity{Region: "north-1"}, nil
}

func TestTheRegionComesFromTheConfigurationOrFromTheMachine(t *testing.T) {
	t.Parallel()
	m := &machine{errs: []error{errors.New("no answer")}}
	if got, err := regionOf("south-1", m)(t.Context()); got != "south-1" || err != nil || m.asked != 0 {
		t.Errorf("configured: got %q, %v, asked %d times", got, err, m.asked)
	}
	region := regionOf("", m)
	_, err := region(t.Context())
	if want := "find the region: no answer; set providers.cloud.region"; err == nil || err.Error() != want {
		t.Errorf("no answer: got %v, want %s", err, want)
	}
	for range 2 {
		if got, err := region(t.Context()); got != "north-1" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if m.asked != 2 {
		t.Errorf("asked %d times, want once after the answer that failed", m.asked)
	}
}

// slowMachine is a metadata service that answers when the test says so.
type slowMachine struct {
	machine
	answer chan struct{}
}

func (m *slowMachine) Identity(ctx context.Context) (metadata.Identity, error) {
	select {
	case <-m.answer:
		return m.machine.Identity(ctx)
	case <-ctx.Done():
		return metadata.Identity{}, context.Cause(ctx)
	}
}

func TestWhoWaitsForAnothersQuestionAboutTheRegionMayGiveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &slowMachine{answer: make(chan struct{})}
		region := regionOf("", m)
		first := make(chan string, 1)
		go func() {
			got, _ := region(t.Context())
			first <- got
		}()
		synctest.Wait()
		ctx, cancel := context.WithCancelCause(t.Context())
		second := make(chan error, 1)
		go func() {
			_, err := region(ctx)
			second <- err
		}()
		synctest.Wait()
		gone := errors.New("the claim is over")
		cancel(gone)
		synctest.Wait()
		select {
		case err := <-second:
			if !errors.Is(err, gone) {
				t.Errorf("got %v, want the cause", err)
			}
		default:
			t.Error("it waits on for the other's answer")
		}
		close(m.answer)
		if got := <-first; got != "north-1" {
			t.Errorf("the first got %q", got)
		}
	})
}
