// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fipctl/fipctl/pkg/metadata/linklocal"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

const (
	// DefaultMetadataEndpoint is the address of the service, which needs no name
	// server of the cloud's.
	DefaultMetadataEndpoint = "http://169.254.0.23/"

	// roleTimeout bounds a request for a credential, which a write may be waiting for.
	roleTimeout = 2 * time.Second
	// roleEarly is how long before its end a credential is renewed. The vendor's tools
	// do that 5 minutes before; an outage of the service should last longer than
	// theirs before anybody notices.
	roleEarly = 15 * time.Minute
	// roleLate is how long before its end a credential is not used any more: a request
	// travels, and clocks differ.
	roleLate = 30 * time.Second
	// rolePause is the time between two attempts to renew a credential that is valid.
	rolePause = 30 * time.Second
	// roleBodyMax bounds an answer, in bytes; real ones have below 2 KiB.
	roleBodyMax = 64 << 10
	rolePath    = "latest/meta-data/cam/security-credentials/"
)

// RoleConfig is what NewRole needs.
type RoleConfig struct {
	// Endpoint is the base URL of the metadata service. Empty:
	// DefaultMetadataEndpoint.
	Endpoint string
	// Role is the name of the CAM role. Empty: the one that is bound to this machine.
	Role string
	// Transport carries the requests. Nil: one of its own that ignores the
	// environment's proxy, which could not reach a link-local address.
	Transport http.RoundTripper
	Now       func() time.Time // nil: time.Now
}

// Role is a source of the temporary credentials of a CAM role that is bound to this
// machine. It is safe for concurrent use and starts no goroutine: a credential is
// renewed by the first call within 15 minutes of its end, at most every 30 seconds
// and while no other call waits for it; until then the old one serves.
type Role struct {
	cfg     RoleConfig
	service *linklocal.Client

	turn chan struct{} // capacity 1: whose value is in it asks the service

	mu      sync.Mutex // guards what follows
	current Credential
	expires time.Time // zero: none yet
	triedAt time.Time
}

// NewRole returns a source. It does no I/O.
func NewRole(cfg RoleConfig) (*Role, error) {
	if strings.ContainsAny(cfg.Role, "/?#") {
		return nil, fmt.Errorf("%s: %q is not the name of a role", OptionRole, cfg.Role)
	}
	c, err := linklocal.New(linklocal.Config{Endpoint: cfg.Endpoint, Default: DefaultMetadataEndpoint, BodyMax: roleBodyMax, Transport: cfg.Transport})
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Role{cfg: cfg, service: c, turn: make(chan struct{}, 1)}, nil
}

// Credential returns a credential that is valid for some time yet. Its error is
// Temporary where asking again may help, as opposed to a role that is not there.
func (r *Role) Credential(ctx context.Context) (Credential, error) {
	c, fresh := r.known()
	switch {
	case fresh:
		return c, nil
	case !r.mayRenew():
		if c.ID != "" {
			return c, nil // somebody else renews it
		}
		select {
		case r.turn <- struct{}{}:
		case <-ctx.Done():
			return Credential{}, fmt.Errorf("wait for the credential of a role: %w", passing{context.Cause(ctx)})
		}
	}
	defer func() { <-r.turn }()
	if c, fresh = r.known(); fresh {
		return c, nil // another call has renewed it
	}
	renewed, err := r.renew(ctx)
	switch {
	case err == nil:
		return renewed, nil
	case c.ID != "":
		return c, nil // still valid; there will be another attempt
	}
	return Credential{}, err
}

// mayRenew takes the turn, if nobody has it.
func (r *Role) mayRenew() bool {
	select {
	case r.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

// Forget drops a credential that the cloud refuses, so that the next call asks the
// service at once.
func (r *Role) Forget(c Credential) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current.ID == c.ID {
		r.current, r.expires, r.triedAt = Credential{}, time.Time{}, time.Time{}
	}
}

// known returns the credential at hand, if it is valid, and whether it is too early to
// renew it.
func (r *Role) known() (c Credential, fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.cfg.Now()
	if !now.Before(r.expires.Add(-roleLate)) {
		return Credential{}, false
	}
	return r.current, now.Before(r.expires.Add(-roleEarly)) || now.Before(r.triedAt.Add(rolePause))
}

// renew asks the service for a credential and keeps it.
func (r *Role) renew(ctx context.Context) (Credential, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, roleTimeout, fmt.Errorf("no answer within %v", roleTimeout))
	defer cancel()
	c, expires, err := r.fetch(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.triedAt = r.cfg.Now()
	if err != nil {
		return Credential{}, fmt.Errorf("get credential of a role: %w", err)
	}
	r.current, r.expires = c, expires
	return c, nil
}

// fetch makes the one or two requests.
func (r *Role) fetch(ctx context.Context) (Credential, time.Time, error) {
	role := r.cfg.Role
	if role == "" {
		body, err := r.get(ctx, "")
		if err != nil {
			return Credential{}, time.Time{}, err
		}
		role, _, _ = strings.Cut(strings.TrimSpace(string(body)), "\n")
		if role = strings.TrimSpace(role); role == "" || strings.ContainsAny(role, "/?#<") {
			return Credential{}, time.Time{}, fmt.Errorf("%s: no role is bound to this machine", OptionRole)
		}
	}
	body, err := r.get(ctx, role)
	if err != nil {
		return Credential{}, time.Time{}, err
	}
	return decodeRole(body)
}

// decodeRole reads a credential ("Instance role" of CVM). The text of an answer that
// cannot be read is not shown: it may be half a credential.
func decodeRole(body []byte) (Credential, time.Time, error) {
	var doc struct {
		TmpSecretId, TmpSecretKey, Token, Code string
		ExpiredTime                            int64
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return Credential{}, time.Time{}, passing{errors.New("the answer is no credential")}
	}
	switch {
	case doc.Code != "Success":
		return Credential{}, time.Time{}, passing{fmt.Errorf("the service answers with the code %s", cloudhttp.Quote(doc.Code))}
	case doc.TmpSecretId == "" || doc.TmpSecretKey == "" || doc.Token == "":
		return Credential{}, time.Time{}, passing{missing("TmpSecretId, TmpSecretKey or Token")}
	case doc.ExpiredTime <= 0:
		return Credential{}, time.Time{}, passing{missing("ExpiredTime")}
	}
	c := Credential{ID: doc.TmpSecretId, Key: cloudhttp.NewSecret(doc.TmpSecretKey), Token: cloudhttp.NewSecret(doc.Token)}
	return c, time.Unix(doc.ExpiredTime, 0), nil
}

// get reads one document. The service answers 404 where no role is bound.
func (r *Role) get(ctx context.Context, name string) ([]byte, error) {
	defer r.service.CloseIdleConnections()
	body, err := r.service.Get(ctx, r.service.URL(rolePath+url.PathEscape(name)))
	var status linklocal.Status
	switch {
	case linklocal.Absent(err) && name == "":
		return nil, fmt.Errorf("%s: no role is bound to this machine", OptionRole)
	case linklocal.Absent(err):
		return nil, fmt.Errorf("%s: %s is not bound to this machine", OptionRole, name)
	case errors.As(err, &status):
		return nil, passing{fmt.Errorf("the metadata service answers with status %d", int(status))}
	case err != nil:
		return nil, passing{err}
	}
	return body, nil
}

// passing is an error that may be gone at the next attempt.
type passing struct{ error }

func (passing) Temporary() bool { return true }
func (e passing) Unwrap() error { return e.error }
