// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"slices"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// What is known of a write that the cloud refused for this node's credentials. The same
// credentials would be refused again, so it stays known until a write is accepted, the file
// that they are in changes, or an operator says so: by an assign to this node, or a reload.
// A policy that is mended at the cloud changes nothing here, and no preflight asks about it.

// noteRefused takes in the end of a write.
func (e *engine) noteRefused(g *group, out controller.Outcome) {
	switch {
	case errors.Is(out.Err, providers.ErrCredentials): // nothing left; the reads say when they are back
	case out.Refused == election.ReasonNone && providers.KindOf(out.Err) == providers.Denied:
		g.refusedBy = out.Err
		e.tellClaim(g)
	case out.Write == election.WriteAccepted:
		e.pardon(g, "a write was accepted")
	}
}

// pardon forgets that a write was refused.
func (e *engine) pardon(g *group, why string) {
	if g.refusedBy != nil {
		g.refusedBy, g.claimErr = nil, nil
		e.log.Info("credentials count again", "group", g.cfg.Name, "because", why)
		e.tellClaim(g)
	}
}

// marked returns what changes with the credentials. It reads a file.
func (p *presence) marked() string {
	if p.fingerprint == nil {
		return ""
	}
	return p.fingerprint()
}

// credentialsSeen follows whether the credentials at a provider have been replaced.
func (e *engine) credentialsSeen(p *presence, mark string) {
	if mark == "" || mark == p.mark {
		return
	}
	known := p.mark != ""
	p.mark = mark
	if mark == registry.Unreadable {
		return // they count again when there are some
	}
	for _, g := range e.groups {
		uses := slices.ContainsFunc(g.cfg.Addresses, func(a providers.Address) bool { return a.Provider == p.provider })
		if known && uses {
			e.pardon(g, "the file "+p.credentials+" changed")
		}
	}
}
