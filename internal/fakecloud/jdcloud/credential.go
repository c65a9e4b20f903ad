// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// Credential is a valid access key. Giving each node its own makes the journal name
// the nodes and lets faults hit one of them.
type Credential struct {
	AccessKey, SecretKey string
	Token                string    // of temporary credentials: must come with each call, in base64
	Node                 string    // who uses it; may be empty
	Expires              time.Time // of temporary credentials; zero: never
	// Operations are what it may do, as "describeElasticIp" or, where two services
	// have an operation of one name, "vpc:associateElasticIp"; nil: everything.
	Operations []string
}

func (c Credential) may(op *operation) bool {
	return c.Operations == nil || slices.Contains(c.Operations, op.name) ||
		slices.Contains(c.Operations, op.service+":"+op.name)
}

// AddCredential makes c valid, replacing an earlier one of the same access key.
func (s *Server) AddCredential(c Credential) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.credentials[c.AccessKey] = c
}

// RevokeCredential makes the access key invalid from the next call on.
func (s *Server) RevokeCredential(accessKey string) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	delete(s.api.credentials, accessKey)
}

// Node returns the node that the call's access key was given to.
func (a *api) Node(c *face.Call) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.credentials[parseAuthorization(c.Header.Get("Authorization")).accessKey].Node
}

// The documented texts of a 401, and the one that was seen in a real answer.
const (
	lackAuthorization = "lack of header authorization"
	lackCredential    = "lack of credential in the header authorization"
	lackSignedHeaders = "lack of header signedHeaders"
	lackDate          = "lack of header x-jdcloud-date"
	invalidKey        = "Invalid accessKey"
	invalidAuth       = "Invalid authentication credentials"
	notSame           = "sign result is not same [gw]"
)

// authenticate returns the credential of a call for a service in a region, or the
// text of the 401. What text a bad date, a repeated nonce, a missing token or an
// expired credential gets is not known; here it is the general one.
func (a *api) authenticate(c *face.Call, service, region string) (cred Credential, refusal string) {
	header, date := c.Header.Get("Authorization"), c.Header.Get(headerDate)
	auth := parseAuthorization(header)
	cred, known := a.credentials[auth.accessKey]
	want := scope{date[:min(len(date), len("20060102"))], region, service, terminator}
	switch now := a.model.Now(); {
	case header == "":
		return cred, lackAuthorization
	case auth.algorithm != algorithm:
		return cred, invalidAuth
	case auth.accessKey == "":
		return cred, lackCredential
	case auth.signed == nil:
		return cred, lackSignedHeaders
	case date == "":
		return cred, lackDate
	case !known:
		return cred, invalidKey
	case !a.signsEnough(c, auth.signed), auth.scope != want:
		return cred, notSame
	case sign(cred.SecretKey, date, want, canonical(c, auth.signed)) != auth.signature:
		return cred, notSame
	case cred.Token != "" && c.Header.Get(headerToken) != base64.StdEncoding.EncodeToString([]byte(cred.Token)):
		return cred, invalidAuth
	case !cred.Expires.IsZero() && !now.Before(cred.Expires):
		return cred, invalidAuth
	case !a.inWindow(date, now), !a.nonces.fresh(cred.AccessKey, c.Header.Get(headerNonce), now, a.options):
		return cred, invalidAuth
	}
	return cred, ""
}

// signsEnough reports whether what must be signed is: a superset may be. That the
// gateway insists on JD Cloud's own headers is assumed; its clients sign them all.
func (a *api) signsEnough(c *face.Call, signed []string) bool {
	for name := range c.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-jdcloud-") && !slices.Contains(signed, name) {
			return false
		}
	}
	return a.options.UnsignedHost || slices.Contains(signed, "host")
}

// inWindow reports whether the date is near enough to now.
func (a *api) inWindow(date string, now time.Time) bool {
	at, err := time.Parse(dateLayout, date)
	return err == nil && (a.options.ClockWindow < 0 || at.Sub(now).Abs() <= a.options.ClockWindow)
}

// nonces remembers which were used, for as long as a date with them could pass.
type nonces struct {
	used  map[string]bool
	order []nonce // oldest first
}

type nonce struct {
	key string
	at  time.Time
}

// fresh reports whether the access key did not use the nonce before, and notes it.
func (n *nonces) fresh(accessKey, value string, now time.Time, o Options) bool {
	if o.RepeatedNonces {
		return true
	}
	for len(n.order) > 0 && o.ClockWindow >= 0 && now.Sub(n.order[0].at) > 2*o.ClockWindow {
		delete(n.used, n.order[0].key)
		n.order = n.order[1:]
	}
	key := accessKey + " " + value
	if value == "" || n.used[key] {
		return false
	}
	if n.used == nil {
		n.used = map[string]bool{}
	}
	n.used[key] = true
	n.order = append(n.order, nonce{key, now})
	return true
}
