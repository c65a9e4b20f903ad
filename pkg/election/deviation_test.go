// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// Where this package departs from RFC 9568 on purpose. Each test says why.

// Section 6.1 lets Preempt_Mode be true by default. Here it is false: every move of
// a floating IP is an outage, and the node that serves is as good as the other.
func TestDeviationAHigherPriorityDoesNotPreemptByDefault(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.peer.group.Priority, s.peer.group.Flags = 50, s.peer.group.Flags|FlagBound
	s.hearFor(2*time.Minute, Active)
	s.want(Backup, ReasonStarted)
	if r := s.newest().Request; r.Kind != RequestNone {
		t.Errorf("asked for %v", r)
	}
}

// Section 6.4.2 lets a preempting Backup seize the role. Here it asks, and the
// active node hands over when the successor can really bind the address: a seizure
// would leave the address behind.
func TestDeviationPreemptionIsARequest(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, func(c *Config) { c.Groups[0].Preempt = true })
	s.peer.group.Priority, s.peer.group.Flags = 50, s.peer.group.Flags|FlagBound
	s.hearFor(10*time.Second, Active)
	s.want(Backup, ReasonStarted)
	r := s.newest().Request
	if r.Kind != RequestPreempt {
		t.Fatalf("asked for %v", r)
	}
	s.peer.group.Handover = Handover{To: "b", ID: r.ID, Remaining: time.Minute}
	s.hear(Active)
	s.advance(10 * time.Millisecond)
	s.want(Active, ReasonPreempted)
}

// Section 6.4.2 takes silence for death. Here a takeover needs evidence: silence
// may be the link's, and a cloud that cannot be read cannot be written either.
func TestDeviationTakeoverNeedsEvidence(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(5*time.Second, Active)
	s.deaf = true
	s.advance(time.Minute)
	s.want(Backup, ReasonStarted)
	if s.held() != ReasonOwnerUnreadable {
		t.Errorf("holds %v", s.held())
	}
	s.deaf = false
	s.untilRole(Active, 2*time.Second)
	s.want(Active, ReasonOwnerSilent)
}

// Section 6.4.1 makes the address owner Active at once. Here a start always begins
// in Backup, whatever the priority; only who already holds the address according to
// the cloud resumes without waiting, since that moves nothing.
func TestDeviationAStartBeginsInBackupAndResumesIfBound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		owner Owner
		role  Role
		why   Reason
	}{{byA, Backup, ReasonStarted}, {byB, Active, ReasonResumedBound}, {Owner{Kind: OwnerNone}, Backup, ReasonStarted}} {
		s := newSeat(t, tt.owner, func(c *Config) { c.Groups[0].Priorities["b"] = PriorityMax })
		if len(s.roles) == 0 || s.roles[0].From != Initialize || s.roles[0].To != Backup {
			t.Errorf("owner %v: first change %+v", tt.owner, s.roles)
		}
		s.want(tt.role, tt.why)
	}
}

// Section 7.2 keeps Backups silent. Here they advertise, so that a standby that is
// gone is noticed before it is needed. Such an advert never renews the timer.
func TestDeviationABackupAdvertisesAndRenewsNoTimer(t *testing.T) {
	t.Parallel()
	s := newSeat(t, Owner{Kind: OwnerNone}, nil)
	s.peer.group.Priority = 50
	s.sent = nil
	for s.role() == Backup && s.now < Instant(time.Hour+time.Minute) {
		s.hear(Backup)
		s.advance(time.Second)
	}
	s.want(Active, ReasonUnbound)
	if got, want := s.roles[len(s.roles)-1], s.now; got.To != Active || want.Sub(Instant(time.Hour)) > 5*time.Second {
		t.Errorf("the takeover waited %v", want.Sub(Instant(time.Hour)))
	}
	if len(s.sent) < 4 || s.sent[1].Groups[0].Role != Backup {
		t.Errorf("as backup it sent %d adverts", len(s.sent))
	}
}

// Section 6.4.2 lets a preempting Backup ignore a lower Active, so that its timer
// fires. Here it renews the timer all the same, since preemption is a request.
func TestDeviationALowerActiveRenewsTheTimer(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, func(c *Config) { c.Groups[0].Preempt = true })
	s.peer.group.Priority = 1
	s.hearFor(time.Minute, Active)
	s.want(Backup, ReasonStarted)
}

// VRRP has no authentication (section 8.3): keyed variants left two Actives when
// keys differed. Here a wrong signature from a configured peer changes no role, but
// as long as such datagrams keep coming they hold back a takeover by silence.
func TestDeviationWrongKeysHoldBackATakeover(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(5*time.Second, Active)
	for range 60 {
		s.advance(time.Second)
		s.step(BadlySigned{Peer: "a"})
	}
	s.want(Backup, ReasonStarted)
	if s.held() != ReasonAuthMismatch {
		t.Errorf("holds %v", s.held())
	}
	s.untilRole(Active, 5*time.Second)
	s.want(Active, ReasonOwnerSilent)
}
