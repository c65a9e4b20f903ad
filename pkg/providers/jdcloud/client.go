// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// client makes the calls of all kinds.
type client struct {
	http        *cloudhttp.Client
	credentials func(context.Context) (Credential, error)
	rejected    func() // may be nil
	region      func(context.Context) (string, error)
	endpoint    endpoint
	now         func() time.Time
	nonce       func() string
	facts       facts
	ranges      facts // of VPCs
}

// call is one call of the API.
type call struct {
	service   string // as in the scope of the signature
	operation string // the vendor's operationId, by which permissions are named
	path      string // below /v1/regions/{region}, with the final slash of collections
	query     url.Values
	body      any  // nil: a read
	detach    bool // takes an address off a holder that may be gone by now
}

// action returns the name of the permission for q.
func (q call) action() string { return q.service + ":" + q.operation }

// reply is one complete answer of the API.
type reply struct {
	status int
	header http.Header
	body   []byte
	unread error // the body has no envelope
	envelope
}

// envelope is what every answer of the API itself has. A success of a write has no
// result; a failure has an error, whatever its HTTP status.
type envelope struct {
	RequestID cloudhttp.Loose `json:"requestId"`
	Result    json.RawMessage `json:"result"`
	Error     *struct {
		Code    cloudhttp.Loose `json:"code"` // as the HTTP status
		Status  cloudhttp.Loose `json:"status"`
		Message cloudhttp.Loose `json:"message"`
	} `json:"error"`
}

// get makes one read and decodes its result. What cannot be decoded counts as no
// answer: Transient, since a read has no effect to be unsure of.
func (c *client) get(ctx context.Context, op string, q call, into interface{ check() error }) error {
	got, err := c.exchange(ctx, op, q)
	if err != nil {
		return err
	}
	if got.unread != nil {
		return got.problem(op, providers.Transient, got.unread)
	}
	if got.Result == nil {
		return got.problem(op, providers.Transient, errors.New("result: missing"))
	}
	if err = cloudhttp.Decode(got.Result, into); err == nil {
		err = into.check()
	}
	if err != nil {
		return got.problem(op, providers.Transient, err)
	}
	return nil
}

// post makes one write. It answers with a request id and nothing else; what has none
// leaves open whether there was an effect.
func (c *client) post(ctx context.Context, op string, q call) (providers.Result, error) {
	got, err := c.exchange(ctx, op, q)
	if err != nil {
		return providers.Result{}, err
	}
	switch {
	case got.unread != nil:
		return providers.Result{}, got.problem(op, providers.Ambiguous, got.unread)
	case got.Error != nil && got.Error.Code == "": // nor a word, or it were a refusal
		return providers.Result{}, got.problem(op, providers.Ambiguous, errors.New("error: empty"))
	case got.RequestID == "":
		return providers.Result{}, got.problem(op, providers.Ambiguous, errors.New("requestId: missing"))
	}
	return providers.Result{RequestID: got.requestID()}, nil
}

// exchange makes one call and classifies whatever is not a success. A read that was
// refused for its credentials is made once more if there may be new ones.
func (c *client) exchange(ctx context.Context, op string, q call) (reply, error) {
	if ctx.Err() != nil {
		return reply{}, &providers.Error{Provider: Name, Op: op, Kind: providers.Canceled, Err: context.Cause(ctx)}
	}
	at, err := c.where(ctx, op, q)
	if err != nil {
		return reply{}, err
	}
	got, err := c.send(ctx, q, at)
	if err == nil && got.status == http.StatusUnauthorized && c.rejected != nil {
		c.rejected()
		if q.body == nil {
			got, err = c.send(ctx, q, at)
		}
	}
	if err != nil {
		return reply{}, c.lost(ctx, op, q, at, err)
	}
	if problem := c.refusal(op, q, at, got); problem != nil {
		return reply{}, problem
	}
	return got, nil
}

// place is where a call goes.
type place struct {
	region string
	base   url.URL
}

// where asks for the region, which every call has in its path.
func (c *client) where(ctx context.Context, op string, q call) (place, error) {
	region, err := c.region(ctx)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return place{}, &providers.Error{Provider: Name, Op: op, Kind: providers.Canceled, Err: context.Cause(ctx)}
	case err != nil:
		return place{}, refuse(op, providers.Transient, "%w", err)
	case !isRegion(region):
		return place{}, refuse(op, providers.Invalid, "%s: %s is not a region id; give one such as cn-north-1", OptionRegion, cloudhttp.Quote(region))
	}
	return place{region, c.endpoint.base(q.service, region)}, nil
}

// send makes one request.
func (c *client) send(ctx context.Context, q call, at place) (got reply, err error) {
	method, body := http.MethodGet, io.Reader(nil)
	if q.body != nil {
		data, err := json.Marshal(q.body)
		if err != nil {
			return reply{}, err
		}
		method, body = http.MethodPost, bytes.NewReader(data)
	}
	u := at.base
	u.Path += "/v1/regions/" + at.region + q.path
	u.RawPath, u.RawQuery = escape(u.Path, "/"), canonicalQuery(q.query)
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set(scopeHeader, at.region+"/"+q.service)
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	got = reply{status: resp.StatusCode, header: resp.Header}
	if got.body, err = io.ReadAll(resp.Body); err != nil {
		return reply{}, err
	}
	got.decode()
	return got, nil
}

// decode reads the envelope; without one the answer is not the API's, which the
// classification sees.
func (r *reply) decode() {
	if r.unread = cloudhttp.Decode(r.body, &r.envelope); r.unread != nil {
		r.envelope = envelope{}
	}
}

// problem is the error of this kind for an answer.
func (r reply) problem(op string, kind providers.Kind, cause error) *providers.Error {
	return &providers.Error{
		Provider: Name, Op: op, Kind: kind, Err: cause,
		Code: strconv.Itoa(r.status), RequestID: r.requestID(),
	}
}

// requestID returns the id of the body, or where that is not the API's, of the header.
func (r reply) requestID() string {
	if r.RequestID != "" {
		return cloudhttp.Clean(string(r.RequestID))
	}
	return cloudhttp.Clean(r.header.Get("X-Jdcloud-Request-Id"))
}
