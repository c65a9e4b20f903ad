// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"strings"

	"github.com/fipctl/fipctl/pkg/providers"
)

// rule says what one refusal means, and what to do about it: {action}, {region}, {host}
// and {endpoint} in the hint stand for those of the call.
type rule struct {
	status  int    // of HTTP; three digits, or one for its whole class; 0: any
	code    string // the vendor's word; "*": any, but for some; empty: any or none
	text    string // a part of the message, in lower case; empty: any
	meaning meaning
	hint    string
}

// meaning is what a refusal means in the answer to a read, to a write, and to a write
// that takes an address off a holder, which may be gone by then.
type meaning struct{ read, write, detach providers.Kind }

func always(k providers.Kind) meaning { return meaning{k, k, k} }

var (
	race   = meaning{providers.Transient, providers.Conflict, providers.Conflict}
	busy   = meaning{providers.Transient, providers.Busy, providers.Busy}
	unsure = meaning{providers.Transient, providers.Ambiguous, providers.Ambiguous}
)

const (
	precondition = "FAILED_PRECONDITION"
	notFound     = "NOT_FOUND"
)

// rules translate what the API refuses; the first that fits counts ("Error codes" of the
// public description, "Public error codes" of the gateway, and the answers listed for each
// call; testdata/codes.txt has them all). A rule without a code counts whoever answers. Texts are compared by a part: the real ones
// contain ids and may gain a suffix.
//
// Whether an EIP is "already in use" by this node or another one, or whether it is the
// private IP that is in use, is decided by reading: the texts of the calls in use are
// not documented, and one of them is the answer to a repeated success. So every failed
// precondition is a Conflict unless it clearly passes by itself or never will.
var rules = []rule{
	// Most come with 400, some of vm with 404: the word counts.
	{4, precondition, "conflict with", busy, ""}, // a task of the machine or the address
	{4, precondition, "invalid instance status", busy, ""},
	{4, precondition, "different azs", meaning{providers.Invalid, providers.Invalid, providers.Conflict},
		"use an EIP that belongs to no zone"},
	{4, precondition, "networkinterface already in use", race,
		"the private IP has an EIP; if that is another one, unbind it"},
	{4, precondition, "", race, ""},

	{401, "", "", always(providers.Denied),
		"check the access key and its secret in " + OptionCredentialsFile + ", or whether the session of the role has expired"},
	{403, "HTTP_FORBIDDEN", "ip address", always(providers.Denied),
		"the access key is limited to other source addresses; add this node's"},
	{403, "*", "", always(providers.Denied),
		"give the user of the access key the permission {action}"},

	{404, notFound, "no route and no api", always(providers.Invalid),
		"{host} has no such call for region {region}; check " + OptionRegion + " and {endpoint}"},
	{404, notFound, "", meaning{providers.NotFound, providers.NotFound, providers.Conflict},
		"the access key sees none in region {region}; check the id and " + OptionRegion},
	{408, "", "", unsure, ""},
	{499, "", "", unsure, ""}, // CANCELLED: by whom, and how far it had got, is not said
	{409, "*", "", race, ""},
	{429, "QUOTA_EXCEEDED", "", always(providers.Invalid),
		"a quota of the account or the interface is used up; raise it or free something"},
	{429, "", "", always(providers.Throttled), ""},

	{501, "*", "", always(providers.Invalid), "{host} has no such call; check {endpoint}"},
	{3, "", "", always(providers.Invalid), "check {endpoint}"},
	{4, "*", "", always(providers.Invalid), ""}, // INVALID_ARGUMENT, HTTP_BAD_REQUEST, too large
	{0, "", "", unsure, ""}, // 5xx, and nobody's answer
}

// classify returns the rule for an answer.
func classify(status int, code, text string) rule {
	text = strings.ToLower(text)
	for _, r := range rules {
		if r.fits(status, code, text) {
			return r
		}
	}
	return rule{meaning: unsure} // not reached: the last rule fits everything
}

func (r rule) fits(status int, code, text string) bool {
	byStatus := r.status == 0 || r.status == status || r.status == status/100
	byCode := r.code == "" || r.code == code || r.code == "*" && code != ""
	return byStatus && byCode && strings.Contains(text, r.text)
}

// kind returns what r means for q.
func (r rule) kind(q call) providers.Kind {
	switch {
	case q.body == nil:
		return r.meaning.read
	case q.detach:
		return r.meaning.detach
	default:
		return r.meaning.write
	}
}
