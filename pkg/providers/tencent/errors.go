// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// refuse is the error for something that was found out without a refusal of the API.
func refuse(op string, kind providers.Kind, format string, args ...any) *providers.Error {
	return &providers.Error{Provider: Name, Op: op, Kind: kind, Err: fmt.Errorf(format, args...)}
}

// problem is the error of this kind for what came back, if it is not a refusal.
func (x *exchange) problem(kind providers.Kind, cause error) *providers.Error {
	e := &providers.Error{Provider: Name, Op: x.op, Kind: kind, RequestID: x.reply.requestID, Err: cause}
	if x.status != http.StatusOK {
		e.Code = strconv.Itoa(x.status)
	}
	return e
}

// refusal is the error for a refusal of the API. Its kind and its hint come from the
// code alone; the message is only shown, since its language is a setting.
func (x *exchange) refusal(now time.Time) *providers.Error {
	m := lookup(x.reply.code)
	e := &providers.Error{Provider: Name, Op: x.op, Kind: m.read, Code: x.reply.code, RequestID: x.reply.requestID}
	if isWrite(x.action) {
		e.Kind = m.of(x.action, x.reply.code)
	}
	switch {
	case x.reply.code == codeSignatureExpire:
		e.Err = errors.New(x.clocks(now))
	case m.hint == hintPermission:
		e.Err = fmt.Errorf("this credential may not %s; allow that in its CAM policy", cmp.Or(x.reply.permission, permission(x.action)))
	case m.hint == hintRegion:
		e.Err = fmt.Errorf("%s: %s is not a region of this service", OptionRegion, x.region)
	case m.hint == "":
		e.Err = errors.New(x.reply.message)
	default:
		e.Err = fmt.Errorf("%s; %s", x.reply.message, m.hint)
	}
	return e
}

// byPolicy reports whether a refusal is about what is asked, and not about the credential.
func byPolicy(err error) bool {
	var e *providers.Error
	return errors.As(err, &e) && e.Kind == providers.Denied && lookup(e.Code).hint == hintPermission
}

// clocks says how far this machine's clock is from that of the cloud, if the answer
// tells the time.
func (x *exchange) clocks(now time.Time) string {
	const advice = "set this machine's clock right, for example by NTP"
	theirs, err := http.ParseTime(x.header.Get("Date"))
	if err != nil {
		return "the request's time is more than 5 minutes off; " + advice
	}
	switch ahead := now.Sub(theirs).Round(time.Second); {
	case ahead > 0:
		return fmt.Sprintf("this machine's clock is %v ahead of the cloud's; %s", ahead, advice)
	default:
		return fmt.Sprintf("this machine's clock is %v behind the cloud's; %s", -ahead, advice)
	}
}

// named is how the access management names the action that it refuses.
var named = regexp.MustCompile(`\(([a-z]+:[A-Za-z]+)\)`)

// permission returns the name that a policy has to allow, where the refusal names none. The
// vendor's policies and recorded refusals have the actions of EIPs under cvm, though their
// API is vpc (docs/providers/tencent.md).
func permission(action string) string {
	switch action {
	case "AssociateAddress", "DisassociateAddress", "DescribeAddresses", actionDescribeInstances, actionDescribeGroups:
		return "cvm:" + action
	}
	return "vpc:" + action
}

// wrong is the error for a field of an answer, or for a setting.
func wrong(field, format string, args ...any) error {
	return fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...))
}

func missing(field string) error { return wrong(field, "missing") }
