// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
)

// The signature was made by the vendor's client.
func TestAPublishedSignatureIsAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{
		Credentials: []faketencent.Credential{{ID: "AKIDEXAMPLE", Key: "SKEXAMPLE"}},
	})
	w.now = time.Unix(1700000000, 0)
	vector := call{
		id: "AKIDEXAMPLE", key: "SKEXAMPLE", host: "vpc.tencentcloudapi.com", action: "AssociateAddress",
		body: `{"AddressId":"eip-ek0cdz1g","InstanceId":"ins-1bmpb9tu"}`,
		authorization: "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2023-11-14/vpc/tc3_request, SignedHeaders=content-type;host, " +
			"Signature=1167660a1ec087597fd9a789211e9730ff7e68d8861f36ad0b5040716e7f0680",
	}
	// The model's clock began later and does not go back: the service's is behind it.
	w.tc.SetClockSkew(time.Unix(1700000000, 0).Sub(w.model.Now()))
	r, err := w.send(vector)
	w.must(err)
	w.wantCode("the vector, about an unknown address", r, "InvalidAddressId.NotFound")

	vector.body = strings.Replace(vector.body, "9tu", "9tv", 1)
	r, err = w.send(vector)
	w.must(err)
	w.wantCode("the vector with another body", r, "AuthFailure.SignatureFailure")
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{Credentials: []faketencent.Credential{
		{ID: "AKIDtmp", Key: "key-tmp", Token: "token-tmp", Expires: start.Add(time.Hour)},
		{ID: "AKIDold", Key: "key-old", Token: "token-old", Expires: start},
		{ID: "AKIDreader", Key: "key-reader", Actions: []string{"vpc:DescribeAddresses", "DescribeHaVips"}},
	}})
	seconds := func(d time.Duration) string { return strconv.FormatInt(start.Add(d).Unix(), 10) }
	tests := []struct {
		name string
		call call
		want string
	}{
		{"a signed call", call{}, ""},
		{"a body that is not signed", call{unsigned: true}, ""},
		{"another content type, if it is signed", call{contentType: "application/json; charset=utf-8"}, ""},
		{"no authorization", call{authorization: "-"}, "MissingParameter"},
		{"another method of signing", call{authorization: "TC1 Credential=x"}, "AuthFailure.InvalidAuthorization"},
		{"the key of another", call{key: "key-b"}, "AuthFailure.SignatureFailure"},
		{"an unknown key", call{id: "AKIDx"}, "AuthFailure.SecretIdNotFound"},
		{"five minutes behind", call{timestamp: seconds(-300 * time.Second)}, ""},
		{"more than that", call{timestamp: seconds(-301 * time.Second)}, "AuthFailure.SignatureExpire"},
		{"five minutes ahead", call{timestamp: seconds(300 * time.Second)}, ""},
		{"ten minutes ahead", call{timestamp: seconds(10 * time.Minute)}, "AuthFailure.SignatureExpire"},
		{"another timestamp than the signed", call{timestamp: seconds(time.Second), signedAt: seconds(0)}, "AuthFailure.SignatureFailure"},
		{"a timestamp that is none", call{timestamp: "now", signedAt: seconds(0)}, "InvalidParameter"},
		{"a temporary key", call{id: "AKIDtmp", key: "key-tmp", token: "token-tmp"}, ""},
		{"without its token", call{id: "AKIDtmp", key: "key-tmp"}, "AuthFailure.TokenFailure"},
		{"with another token", call{id: "AKIDtmp", key: "key-tmp", token: "token-old"}, "AuthFailure.TokenFailure"},
		{"one that has expired", call{id: "AKIDold", key: "key-old", token: "token-old"}, "AuthFailure.TokenFailure"},
		{"a permitted action", call{id: "AKIDreader", key: "key-reader"}, ""},
		{"a permitted action without its service", call{id: "AKIDreader", key: "key-reader", action: "DescribeHaVips"}, ""},
		{"another action", call{id: "AKIDreader", key: "key-reader", action: "DescribeVpcs"}, "UnauthorizedOperation"},
		{"no version", call{version: "-"}, "MissingParameter"},
		{"another version", call{version: "2017-03-13"}, "NoSuchVersion"},
		{"another service", call{service: "cls"}, "NoSuchProduct"},
		{"an action of another service", call{service: "cvm"}, "InvalidAction"},
		{"an action that is not served", call{action: "DeleteVpc"}, "InvalidAction"},
		{"no action", call{action: "-"}, "MissingParameter"},
		{"no region", call{region: "-"}, "MissingParameter"},
		{"no region of the service", call{region: "nyc3"}, "UnsupportedRegion"},
		{"a body that is no JSON", call{body: `{"AddressIds"`}, "InvalidParameter"},
		{"a parameter that does not exist", call{body: `{"AddressIDss":[]}`}, "UnknownParameter"},
		{"GET", call{method: "GET"}, "UnsupportedProtocol"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.call.action == "" {
				tt.call.action = "DescribeAddresses"
			}
			r, err := w.send(tt.call)
			w.must(err)
			if r.status != http.StatusOK || r.code() != tt.want {
				t.Errorf("got %d %s, want the code %q", r.status, r.raw, tt.want)
			}
		})
	}
	if r, err := w.send(call{action: "DescribeAddresses", path: "/v2"}); err != nil || r.status != http.StatusNotFound {
		t.Errorf("another path: got %d, %v", r.status, err)
	}
}

func TestARefusalNamesThePermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{Credentials: []faketencent.Credential{{ID: "AKIDnone", Key: "k", Actions: []string{}}}})
	for action, want := range map[string]string{
		"AssociateAddress":  "cvm:AssociateAddress)\nresource (qcs::cvm:ap-guangzhou:uin/100000000001:eip/*) has no permission\n",
		"DescribeHaVips":    "vpc:DescribeHaVips)\nresource (qcs::vpc:ap-guangzhou:uin/100000000001:havip/*) has no permission\n",
		"DescribeInstances": "cvm:DescribeInstances)\nresource (qcs::cvm:ap-guangzhou:uin/100000000001:instance/*) has no permission\n",
	} {
		r, err := w.send(call{id: "AKIDnone", key: "k", action: action})
		w.must(err)
		want = fmt.Sprintf("[request id:%s]you are not authorized to perform operation (", r.at("RequestId")) + want
		if got := r.at("Error", "Message"); r.code() != "UnauthorizedOperation" || got != want {
			t.Errorf("%s: got %q, want %q", action, got, want)
		}
	}
}

func TestCredentialsComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	c := call{id: "AKIDnew", key: "key", token: "token", action: "DescribeAddresses"}
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, "AuthFailure.SecretIdNotFound"},
		{func() {
			w.tc.AddCredential(faketencent.Credential{ID: "AKIDnew", Key: "key", Token: "token", Expires: start.Add(time.Minute)})
		}, ""},
		{func() { w.advance(time.Minute - time.Second) }, ""},
		{func() { w.advance(time.Second) }, "AuthFailure.TokenFailure"},
		{func() { w.tc.RevokeCredential("AKIDnew") }, "AuthFailure.SecretIdNotFound"},
	} {
		step.do()
		r, err := w.send(c)
		w.must(err)
		w.wantCode("the new one", r, step.want)
	}
}
