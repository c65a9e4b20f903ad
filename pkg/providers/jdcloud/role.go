// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/fipctl/fipctl/pkg/metadata/linklocal"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

const (
	// roleEndpoint is the link-local metadata service that every machine has.
	roleEndpoint = "http://169.254.169.254/"
	// rolePath is not documented; one report of 2026 describes it and its answer. That
	// is why the role is for who asks for it, and never a default.
	rolePath = "metadata/latest/iam/instance-role-security-credentials"
	// roleTimeout bounds one request; the service answers from the hypervisor. While
	// there are usable credentials roleHurry does: a claim may be waiting.
	roleTimeout = 2 * time.Second
	roleHurry   = 500 * time.Millisecond
	// roleFresh is how long credentials are used without asking again, roleUsable how
	// long while asking fails. When they expire is not told.
	roleFresh  = 5 * time.Minute
	roleUsable = 10 * time.Minute
	// rolePause is the least time between two attempts of which the first failed, while
	// there are usable credentials: a claim should not wait for each.
	rolePause = 30 * time.Second
	// roleBodyMax bounds the answer, in bytes.
	roleBodyMax = 64 << 10
)

// RoleConfig is what NewRole needs.
type RoleConfig struct {
	// Endpoint is the base URL of the metadata service. Empty: the link-local one.
	Endpoint string
	// Transport carries the requests. Nil: one of its own that ignores the environment's
	// proxy.
	Transport http.RoundTripper
	// Now tells the time. Nil: time.Now.
	Now func() time.Time
}

// Role reads the credentials of the machine's role from the metadata service and keeps
// them in memory for at most ten minutes. It starts nothing: a refresh is part of the
// call that finds it due. It is safe for concurrent use.
type Role struct {
	service *linklocal.Client
	now     func() time.Time
	turn    chan struct{} // capacity 1: whose value is in it asks the service

	mu       sync.Mutex
	known    Credential
	readAt   time.Time
	triedAt  time.Time // of the last attempt, if it failed
	rejected bool      // since readAt
}

// NewRole returns a source of credentials. It does no I/O.
func NewRole(cfg RoleConfig) (*Role, error) {
	c, err := linklocal.New(linklocal.Config{Endpoint: cfg.Endpoint, Default: roleEndpoint, BodyMax: roleBodyMax, Transport: cfg.Transport})
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Role{service: c, now: cfg.Now, turn: make(chan struct{}, 1)}, nil
}

// Credential returns the credentials, for Config.Credentials. While some are usable it
// waits for nobody but the service, and for that only when they are due.
func (r *Role) Credential(ctx context.Context) (Credential, error) {
	known, usable, due := r.state()
	if usable && !due {
		return known, nil
	}
	select {
	case r.turn <- struct{}{}:
	default: // another call is asking
		if usable {
			return known, nil
		}
		select {
		case r.turn <- struct{}{}:
		case <-ctx.Done():
			return Credential{}, context.Cause(ctx)
		}
	}
	defer func() { <-r.turn }()
	if known, usable, due = r.state(); usable && !due {
		return known, nil // the other call has them
	}
	timeout := roleTimeout
	if usable {
		timeout = roleHurry
	}
	got, err := r.read(ctx, timeout)
	switch {
	case err == nil:
		r.keep(got)
		return got, nil
	case usable:
		r.failed()
		return known, nil
	}
	return Credential{}, fmt.Errorf("read role credentials from %s: %w", r.service.URL(rolePath), err)
}

// Rejected notes that the API refused the credentials, for Config.Rejected: the next
// call asks for new ones.
func (r *Role) Rejected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejected, r.triedAt = true, time.Time{}
}

// state returns what is known, whether it may be used, and whether it is time to ask.
func (r *Role) state() (known Credential, usable, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	age := now.Sub(r.readAt)
	usable = !r.readAt.IsZero() && age < roleUsable
	due = (age >= roleFresh || r.rejected) && (r.triedAt.IsZero() || now.Sub(r.triedAt) >= rolePause)
	return r.known, usable, due
}

func (r *Role) keep(c Credential) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known, r.readAt, r.triedAt, r.rejected = c, r.now(), time.Time{}, false
}

func (r *Role) failed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.triedAt = r.now()
}

// read asks the service once. No part of an answer gets into an error.
func (r *Role) read(ctx context.Context, timeout time.Duration) (Credential, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	defer r.service.CloseIdleConnections()
	body, err := r.service.Get(ctx, r.service.URL(rolePath))
	var status linklocal.Status
	switch {
	case errors.As(err, &status):
		return Credential{}, fmt.Errorf("%w; attach a role to the machine, or set %s", status, OptionCredentialsFile)
	case err != nil:
		return Credential{}, err
	}
	return decodeRole(body)
}

// decodeRole reads the document, which may come inside a list.
func decodeRole(body []byte) (Credential, error) {
	type document struct {
		Code      string `json:"Code"`
		AccessKey string `json:"accessKey"`
		SecretKey string `json:"secretKey"`
		Token     string `json:"sessionToken"`
	}
	docs := make([]document, 1)
	var into any = &docs[0]
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		into = &docs
	}
	if json.Unmarshal(body, into) != nil || len(docs) != 1 {
		return Credential{}, errors.New("the answer is not one document of credentials")
	}
	switch doc := docs[0]; {
	case doc.Code != "success":
		return Credential{}, fmt.Errorf("the machine has no role (Code is not success); attach one, or set %s", OptionCredentialsFile)
	case doc.AccessKey == "" || doc.SecretKey == "" || doc.Token == "":
		return Credential{}, errors.New("accessKey, secretKey or sessionToken: missing")
	default:
		return Credential{doc.AccessKey, cloudhttp.NewSecret(doc.SecretKey), cloudhttp.NewSecret(doc.Token)}, nil
	}
}
