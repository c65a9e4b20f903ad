// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"encoding/json"
	"fmt"
	"time"
)

// RoleLifetime is how long a role's credential is valid by default. What the service
// does is not documented; clients go by what each says.
const RoleLifetime = 6 * time.Hour

// rolesKept is how long an expired credential of a role is still known as expired.
const rolesKept = 24 * time.Hour

// Role is what a machine may do without a key of its own. Its credentials come from
// the metadata and are temporary.
type Role struct {
	Name string // empty: the machine has no role
	// Lifetime is how long each credential is valid; zero: RoleLifetime. A new one is
	// issued when half of it is over; the old one stays valid to its end.
	Lifetime time.Duration
	Actions  []string // as in Credential
	Node     string   // whose calls they are; empty: the machine's id
	Code     string   // what the document says instead of Success
}

// role is a machine's role, with the credential that it issued last.
type role struct {
	Role
	issued  Credential
	at      time.Time
	counter int
}

// SetRole gives a machine a role, or takes it away if the name is empty. Credentials
// that were issued stay valid until they expire.
func (s *Server) SetRole(instanceID string, r Role) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	r.Lifetime, r.Node = or(r.Lifetime, RoleLifetime), or(r.Node, instanceID)
	counter := 0
	if old := s.api.roles[instanceID]; old != nil {
		counter = old.counter
	}
	s.api.roles[instanceID] = &role{Role: r, counter: counter}
}

// roleName returns the name of the machine's role; empty: none.
func (a *api) roleName(id string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.roles[id]; r != nil {
		return r.Name
	}
	return ""
}

// roleText returns what the metadata says below cam/security-credentials, and false
// for any other path and for a machine without a role.
func (a *api) roleText(m Machine, path string) (string, bool) {
	name := a.roleName(m.ID)
	switch {
	case name == "":
		return "", false
	case path == "cam/security-credentials":
		return name, true
	case path != "cam/security-credentials/"+name:
		return "", false
	}
	r := a.issue(m.ID, a.serviceNow())
	doc := document{"Code": or(r.Code, "Success")}
	if r.Code == "" {
		doc = document{
			"TmpSecretId": r.issued.ID, "TmpSecretKey": r.issued.Key, "Token": r.issued.Token,
			"ExpiredTime": r.issued.Expires.Unix(), "Expiration": r.issued.Expires.UTC().Format(time.RFC3339),
			"Code": "Success",
		}
	}
	body, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("encode the role of %s: %v", m.ID, err)) // our documents always encode
	}
	return string(body), true
}

// issue returns the machine's role with a credential that has at least half of its
// life before it.
func (a *api) issue(id string, now time.Time) role {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.roles[id]
	if r.issued.ID != "" && now.Before(r.at.Add(r.Lifetime/2)) {
		return *r
	}
	for old, c := range a.credentials {
		if c.Token != "" && c.expired(now.Add(-rolesKept)) {
			delete(a.credentials, old)
		}
	}
	r.counter++
	seed := fmt.Sprintf("%s/%s/%d", id, r.Name, r.counter)
	r.at = now
	r.issued = Credential{
		ID: "AKID" + hash("id/" + seed)[:32], Key: hash("key/" + seed)[:32], Token: hash("token/" + seed),
		Node: r.Node, Actions: r.Actions, Expires: now.Add(r.Lifetime).Truncate(time.Second),
	}
	a.credentials[r.issued.ID] = r.issued
	return *r
}
