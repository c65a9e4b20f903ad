// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// Advert intervals a cluster may use. RFC 9568 section 5.2.7 allows 10 ms to
// 40.95 s; below 50 ms the scheduling gaps of virtual machines look like failures.
const (
	IntervalMin     = 50 * time.Millisecond
	IntervalMax     = 40 * time.Second
	IntervalDefault = time.Second
)

// Times that the takeover rules share. See docs/design.md, section on takeover.
const (
	// AttemptTimeout bounds one attempt at a cloud call; a read that took longer
	// says too little about now, and a write without answer counts as over.
	AttemptTimeout = 3 * time.Second

	readAgeFloor     = time.Second            // a read stays usable for max(this, interval)
	refreshReadAge   = 2 * time.Second        // for announcing again what a read says is here: a slow API must not end that
	rankStep         = 250 * time.Millisecond // by how much each worse-ranked standby waits
	rankWaitMax      = 2 * time.Second
	restartHold      = 20 * time.Second // how long an announced restart protects
	unboundHold      = time.Minute      // how long an address that nobody holds is left to a peer that is not heard in full: it would have bound it
	probesMissed     = 2                // unanswered questions that outweigh an answer from before a silence
	provenFor        = 60 * time.Second // how long an answered probe makes silence evidence
	agreeAfter       = 2 * time.Second  // spacing of two reads that confirm a hand
	noticeFloor      = time.Second      // an announcement may take as long to show, whatever the cloud promises
	awayFor          = 20 * time.Second // how long a failed read says that the cloud does not answer
	flapWindow       = time.Minute      // how long a displacement that was undone makes the next one need two reads
	ownerReadDispute = time.Second      // two reads closer than this do not outrank each other
	retakeWindow     = 10 * time.Minute // in which an address that was lost is taken again retakesMax times
	retakesMax       = 3
	roundLeast       = 30 * time.Second // from one loss that counts to the next, where one read is all that tells
	fightOver        = 3 * time.Minute  // of reads that all show it here: longer than a round of two nodes with slow reads and a slow move
	crashWindow      = time.Minute
	uptimeLeadsKept  = 8                // adverts of a peer whose uptime is compared with our clock
	uptimeDrift      = 20               // clocks of two machines drift apart by at most one part in this many: 5 %
	stoppedFor       = 20 * time.Second // how long the cloud's word on an instance counts; above the slow reads
	notAnsweringFor  = 35 * time.Second // three steady probes, with room
	serviceFor       = 25 * time.Second // two steady questions of the user's probe, with room
	handOverEvery    = time.Hour        // at most one handover because nothing answers
	crashSessions    = 3
	restReadEvery    = 30 * time.Second // one node of the cluster reads so often while all is well
	restTurns        = 3                // of so many turns each node takes one at least
	restReadTie      = 2 * time.Second  // reads no further apart were made at once
	uneasyReadEvery  = 15 * time.Second // each node, while a peer is missing or the owner is not who leads
	newsFor          = 10 * time.Second // how long a new owner is worth asking often by the probe
	steadyProbeEvery = 10 * time.Second
	apiLostFloor     = 5 * time.Second
	apiReadYoung     = 5 * time.Second
	returnDelayFirst = 10 * time.Second
	returnDelayMax   = 5 * time.Minute
	returnForget     = 10 * time.Minute
	transientDelay   = 2 * time.Second
	permanentDelay   = 5 * time.Second
	permanentMax     = time.Minute
	answersAgain     = 40               // to all of those together, but for the first to each
	answersPerSecond = 5                // extra datagrams to one peer, or to one of its sessions that is not accepted
	twiceFor         = 10 * time.Second // how long it is told that two daemons were seen under one name
)

// Skew is the Skew_Time of RFC 9568 section 6.1: the higher the priority, the
// sooner a backup acts.
func Skew(priority uint8, interval time.Duration) time.Duration {
	return time.Duration(256-int(priority)) * interval / 256
}

// ActiveDown is the Active_Down_Interval of RFC 9568 section 6.1: how long the
// active node may be silent. The interval is that of the active node.
func ActiveDown(priority uint8, interval time.Duration) time.Duration {
	return 3*interval + Skew(priority, interval)
}
