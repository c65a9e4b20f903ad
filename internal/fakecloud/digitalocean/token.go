// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// The scopes of a token that calls here ask for.
const (
	ScopeReservedIPRead   = "reserved_ip:read"
	ScopeReservedIPUpdate = "reserved_ip:update"
	ScopeDropletRead      = "droplet:read"
	ScopeActionsRead      = "actions:read"
	ScopeProjectRead      = "project:read"
	ScopeAccountRead      = "account:read"
)

// Token is a valid credential. Giving each node its own makes the journal name
// the nodes and lets faults hit one of them.
type Token struct {
	Value  string
	Node   string   // who uses it; may be empty
	Scopes []string // what it may do; nil: everything
}

// may reports whether the token has the scope; every token has the empty one.
func (t Token) may(scope string) bool {
	return scope == "" || t.Scopes == nil || slices.Contains(t.Scopes, scope)
}

// token returns the credential of a call and whether it is valid.
func (a *api) token(c *face.Call) (Token, bool) {
	value, ok := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	a.mu.Lock()
	defer a.mu.Unlock()
	t, known := a.tokens[value]
	return t, ok && known && value != ""
}

// Node returns the node that the call's token was given to.
func (a *api) Node(c *face.Call) string {
	t, _ := a.token(c)
	return t.Node
}
