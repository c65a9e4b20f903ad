// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	sdkhttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// errAnswered is what an SDK client is told instead of an answer that is not a
// success. Nobody sees it: the exchange knows better what happened.
var errAnswered = errors.New("answered")

// exchange is the transport of one call. The SDK flattens errors to text, follows
// redirects and loses what does not decode, so the exchange keeps what came back, and
// hands on successes only.
type exchange struct {
	op, action string // what it is for, and what the API calls that
	region     string
	cred       Credential // its token is not to be seen in what came back
	base       http.RoundTripper
	into       any // what a success is decoded into

	err    error // no complete answer
	unread error // the answer cannot be read
	status int   // zero: nothing was sent
	header http.Header
	body   []byte
	reply  reply
}

// reply is the envelope of every answer ("Responses" of API 3.0).
type reply struct {
	code, message, requestID string
	permission               string // that the message names; the message itself is cut before it
	ok                       bool   // it is one
}

// RoundTrip implements http.RoundTripper.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := x.base.RoundTrip(req)
	if err != nil {
		x.err = err
		return nil, err
	}
	defer resp.Body.Close()
	x.status, x.header = resp.StatusCode, resp.Header
	if x.body, x.err = io.ReadAll(resp.Body); x.err != nil {
		return nil, x.err
	}
	if token := x.cred.Token.Reveal(); token != "" {
		x.body = bytes.ReplaceAll(x.body, []byte(token), []byte("[redacted]"))
	}
	x.reply = readReply(x.body)
	exact, err := cloudhttp.Exact(x.body, x.into)
	if x.unread = err; err != nil || x.status != http.StatusOK || !x.reply.ok || x.reply.code != "" {
		return nil, errAnswered
	}
	x.body = exact
	return &http.Response{
		Status: resp.Status, StatusCode: resp.StatusCode, Proto: resp.Proto, ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(x.body)),
		ContentLength: int64(len(x.body)),
	}, nil
}

// readReply reads the envelope. What has no request id is not an answer of the API.
func readReply(body []byte) reply {
	var doc struct {
		Response *struct {
			RequestID cloudhttp.Loose `json:"RequestId"`
			Error     *struct{ Code, Message cloudhttp.Loose }
		}
	}
	if cloudhttp.Decode(body, &doc) != nil || doc.Response == nil || doc.Response.RequestID == "" {
		return reply{}
	}
	r := reply{requestID: cloudhttp.Clean(string(doc.Response.RequestID)), ok: true}
	if e := doc.Response.Error; e != nil {
		r.code, r.message = cloudhttp.Clean(string(e.Code)), cloudhttp.Clean(string(e.Message))
		if m := named.FindStringSubmatch(string(e.Message)); m != nil {
			r.permission = cloudhttp.Clean(m[1])
		}
		r.ok = e.Code != ""
	}
	return r
}

// isWrite reports whether an action changes anything.
func isWrite(action string) bool { return !strings.HasPrefix(action, "Describe") }

// send makes one call, exactly once if it is a write, and classifies whatever is not
// a success. It returns the id of the request.
func (c *Cloud) send(ctx context.Context, op string, req sdkhttp.Request, resp sdkhttp.Response) (string, error) {
	if ctx.Err() != nil {
		return "", canceled(ctx, op)
	}
	x := &exchange{op: op, action: req.GetAction(), base: c.reads, into: resp}
	if isWrite(x.action) {
		x.base = c.writes
	}
	if err := c.prepare(ctx, x); err != nil {
		return "", err
	}
	key := common.NewTokenCredential(x.cred.ID, x.cred.Key.Reveal(), x.cred.Token.Reveal())
	req.SetContext(ctx)
	req.SetHeader(map[string]string{"X-TC-Timestamp": strconv.FormatInt(c.cfg.Now().Unix(), 10)})
	err := common.NewCommonClient(key, x.region, c.profile).WithHttpTransport(x).Send(req, resp)
	return x.reply.requestID, c.judge(ctx, x, err)
}

// prepare asks for what a call needs before it is made.
func (c *Cloud) prepare(ctx context.Context, x *exchange) (err error) {
	if x.region, err = c.cfg.Region(ctx); err != nil {
		if ctx.Err() != nil {
			return canceled(ctx, x.op)
		}
		return &providers.Error{Provider: Name, Op: x.op, Kind: providers.Transient, Err: err}
	}
	if x.region == "" {
		return refuse(x.op, providers.Invalid, "%s: empty; give one such as ap-guangzhou", OptionRegion)
	}
	if x.cred, err = c.cfg.Credentials(ctx); err != nil {
		if ctx.Err() != nil {
			return canceled(ctx, x.op)
		}
		return providers.WithoutCredentials(Name, x.op, err)
	}
	if x.cred.ID == "" || x.cred.Key.IsEmpty() {
		return providers.WithoutCredentials(Name, x.op, errors.New("the credential is empty"))
	}
	return nil
}

// judge turns what an exchange brought into an error, or nil for a success that the
// SDK could decode.
func (c *Cloud) judge(ctx context.Context, x *exchange, sdk error) error {
	unsure := providers.Transient
	if isWrite(x.action) {
		unsure = providers.Ambiguous
	}
	switch {
	case x.err != nil:
		return lost(ctx, x.op, isWrite(x.action), x.err)
	case x.status == 0: // the SDK did not get as far as sending
		return refuse(x.op, providers.Invalid, "%s: the request cannot be made: %v", x.action, sdk)
	case x.status == http.StatusTooManyRequests:
		return x.problem(providers.Throttled, nil)
	case x.status >= 300 && x.status < 400:
		return x.problem(providers.Invalid, errors.New("redirected, which is not followed; check "+OptionEndpoint))
	case x.status != http.StatusOK || !x.reply.ok:
		return x.problem(unsure, errors.New("not an answer of the API: "+cloudhttp.Quote(string(x.body))))
	case x.reply.code != "":
		if c.cfg.Refused != nil && staleCredential(x.reply.code) {
			c.cfg.Refused(x.cred)
		}
		return x.refusal(c.cfg.Now())
	case x.unread != nil:
		return x.problem(unsure, x.unread)
	case sdk != nil:
		err := cloudhttp.Decode(x.body, x.into) // which names the member
		if err == nil {
			err = errors.New("the answer cannot be read")
		}
		return x.problem(unsure, err)
	}
	return nil
}

// unreadable is the error for a successful answer that lacks something.
func unreadable(op, requestID string, err error) error {
	return &providers.Error{Provider: Name, Op: op, Kind: providers.Transient, RequestID: requestID, Err: err}
}

func canceled(ctx context.Context, op string) error {
	return &providers.Error{Provider: Name, Op: op, Kind: providers.Canceled, Err: context.Cause(ctx)}
}

// lost is the error for a request that brought no complete answer.
//
//	the request        the caller's context   read       write
//	maybe sent         any                    (below)    Ambiguous
//	never left, or read cancelled             Canceled   Canceled
//	never left, or read over time, or alive   Transient  Transient
func lost(ctx context.Context, op string, write bool, err error) error {
	e := &providers.Error{Provider: Name, Op: op, Kind: providers.Transient, Err: err}
	var bare *cloudhttp.Error
	if errors.As(err, &bare) {
		e.Err = bare.Err // without the method and URL that net/http puts before it
	}
	switch {
	case write && cloudhttp.Sent(err):
		e.Kind = providers.Ambiguous
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind = providers.Canceled
	}
	return e
}
