// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package telemetry

// The names of the metrics. They are an interface: alert rules depend on them.
const (
	nameBuildInfo         = "fipctl_build_info"
	nameRole              = "fipctl_role"
	nameElected           = "fipctl_elected"
	nameBound             = "fipctl_bound"
	nameAnswering         = "fipctl_answering"
	nameDisagreement      = "fipctl_disagreement"
	nameVerified          = "fipctl_binding_verified_timestamp_seconds"
	nameTransitions       = "fipctl_transitions_total"
	nameAdvertsSent       = "fipctl_adverts_sent_total"
	nameAdvertsAccepted   = "fipctl_adverts_accepted_total"
	nameAdvertsRefused    = "fipctl_adverts_refused_total"
	namePeerLastAdvert    = "fipctl_peer_last_advert_timestamp_seconds"
	nameDatagramsDropped  = "fipctl_datagrams_dropped_total"
	nameDatagramsOverrun  = "fipctl_datagrams_overrun_total"
	nameProviderCalls     = "fipctl_provider_calls_total"
	nameProviderCallTime  = "fipctl_provider_call_seconds"
	nameCallsRemaining    = "fipctl_provider_calls_remaining"
	nameCallsLimit        = "fipctl_provider_calls_limit"
	nameFailoverPhaseTime = "fipctl_failover_phase_seconds"
	nameAnnouncements     = "fipctl_announcements_total"
	nameEngineAge         = "fipctl_engine_age_seconds"
	nameLinesLost         = "fipctl_log_lines_lost_total"
	namePutBacks          = "fipctl_addresses_put_back_total"
	nameInconclusive      = "fipctl_checks_inconclusive"
)

// The names of the labels.
const (
	labelVersion  = "version"
	labelGo       = "goversion"
	labelGroup    = "group"
	labelRole     = "role"
	labelFrom     = "from"
	labelTo       = "to"
	labelReason   = "reason"
	labelPeer     = "peer"
	labelProvider = "provider"
	labelOp       = "op"
	labelKind     = "kind"
	labelPhase    = "phase"
)

// Op is one method of the driver contract, as a label.
type Op string

// The operations.
const (
	OpOwner         Op = "owner"
	OpAssign        Op = "assign"
	OpRelease       Op = "release"
	OpInstanceState Op = "instance-state"
	OpPreflight     Op = "preflight"
	OpOperation     Op = "operation"
	OpIdentity      Op = "identity" // of the metadata service
)

// Phase is one part of a failover, as a label.
type Phase string

// The phases, in their order.
const (
	PhaseDetect Phase = "detect" // from the last sign of the old owner to the suspicion
	PhaseDecide Phase = "decide" // from there to the cloud write or the announcement leaving
	PhaseAPI    Phase = "api"    // from there to an owner read that says me
	PhaseAnswer Phase = "answer" // from there to a probe answered here
	PhaseGap    Phase = "gap"    // within api, where a move detaches first: nobody holds the address
)

// kindOK is the kind of a provider call that succeeded.
const kindOK = "ok"

// phaseBuckets are in seconds. A local decision takes milliseconds, detection
// with 1 s adverts 3 to 4 s, a cloud's move 1 s to 1 min (design, MoveTimeout).
var phaseBuckets = []float64{.001, .005, .025, .1, .25, .5, 1, 2, 3, 4, 5, 7.5, 10, 15, 30, 60}

// callBuckets are in seconds and end at twice the attempt deadline of 3 s.
var callBuckets = []float64{.01, .025, .05, .1, .25, .5, 1, 2, 3, 6}
