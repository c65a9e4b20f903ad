// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
)

// TestTheVectorsOfTheReference plays requests whose signatures were made by another
// implementation. What they name does not exist, and to say so they must be let in.
func TestTheVectorsOfTheReference(t *testing.T) {
	t.Parallel()
	const at = "Credential=TESTAK/20190214/cn-north-1/"
	tests := []struct{ name, method, url, body, service, token, signature, want string }{
		{
			"a", "POST", "http://vm.jdcloud-api.com/v1/regions/cn-north-1/instances/i-eumm1234d6:associateElasticIp",
			`{"elasticIpId":"fip-z1z1abcdja"}`, "vm", "",
			"7c891373266acaf4a3d747b94597306a9b219262b7a8b79414459ade5d711b03", "Instance 'i-eumm1234d6' not found",
		},
		{
			"b", "GET", "http://vpc.jdcloud-api.com/v1/regions/cn-north-1/elasticIps/?filters.1.name=elasticIpIds&filters.1.values.1=fip-z1z1abcdja&pageSize=20",
			"", "vpc", "", "fde188544febebd78413437fae2a12f082c508b87bbe3b20a9c25a3b9e3ceb55", `"totalCount":0`,
		},
		{
			"c", "POST", "http://vpc.jdcloud-api.com/v1/regions/cn-north-1/networkInterfaces/port-xyaoj5k08j:assignSecondaryIps",
			`{"force":true,"secondaryIps":["10.0.0.9"]}`, "vpc", "dG9r",
			"babe1f04c9ec752012dbeec217e52f71dea399883ae74ce656677cc35b67ce39", "Resource not found",
		},
	}
	for _, tt := range tests {
		for _, escape := range []string{":", "%3A"} {
			t.Run(tt.name+" with "+escape, func(t *testing.T) {
				t.Parallel()
				m := fakecloud.New(fakecloud.Options{Now: func() time.Time { return time.Date(2019, 2, 14, 10, 45, 14, 0, time.UTC) }})
				cred := fakejd.Credential{AccessKey: "TESTAK", SecretKey: "TESTSK"}
				signed := "content-type;host;x-jdcloud-date;x-jdcloud-nonce"
				scheme, rest, _ := strings.Cut(tt.url, "://")
				req := httptest.NewRequest(tt.method, scheme+"://"+strings.ReplaceAll(rest, ":", escape), strings.NewReader(tt.body))
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("x-jdcloud-date", "20190214T104514Z")
				req.Header.Set("x-jdcloud-nonce", "testnonce")
				if tt.token != "" {
					cred.Token = "tok"
					signed += ";x-jdcloud-security-token"
					req.Header.Set("x-jdcloud-security-token", tt.token)
				}
				req.Header.Set("Authorization", "JDCLOUD2-HMAC-SHA256 "+at+tt.service+"/jdcloud2_request, SignedHeaders="+signed+", Signature="+tt.signature)
				rec := httptest.NewRecorder()
				fakejd.New(m, fakejd.Options{Credentials: []fakejd.Credential{cred}}).ServeHTTP(rec, req)
				if !strings.Contains(rec.Body.String(), tt.want) {
					t.Errorf("got %d %s, want %s", rec.Code, rec.Body, tt.want)
				}
			})
		}
	}
}

func TestWhoIsNotLetIn(t *testing.T) {
	t.Parallel()
	const general = "Invalid authentication credentials"
	header := func(name, value string) func(*world, *http.Request) {
		return func(_ *world, r *http.Request) { r.Header.Set(name, value) }
	}
	without := func(part string) func(*world, *http.Request) {
		return func(_ *world, r *http.Request) {
			auth := r.Header.Get("Authorization")
			i := strings.Index(auth, part+"=")
			end := i + strings.Index(auth[i:], ",")
			r.Header.Set("Authorization", auth[:i]+auth[end+1:])
		}
	}
	tests := []struct {
		name   string
		change func(*world, *signer)
		after  func(*world, *http.Request) // once it is signed
		want   string                      // empty: let in
	}{
		{"an honest client", nil, nil, ""},
		{"without a signature", nil, func(_ *world, r *http.Request) { r.Header.Del("Authorization") }, "lack of header authorization"},
		{"without a credential", nil, without("Credential"), "lack of credential in the header authorization"},
		{"without signed headers", nil, without("SignedHeaders"), "lack of header signedHeaders"},
		{"without a date", nil, func(_ *world, r *http.Request) { r.Header.Del("x-jdcloud-date") }, "lack of header x-jdcloud-date"},
		{"by another scheme", nil, func(_ *world, r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "JDCLOUD2", "JDCLOUD3", 1))
		}, general},
		{"with an unknown key", func(_ *world, s *signer) { s.ak = "ak-x" }, nil, "Invalid accessKey"},
		{"with a revoked key", func(w *world, _ *signer) { w.jd.RevokeCredential("ak-a") }, nil, "Invalid accessKey"},
		{"with a wrong secret", func(_ *world, s *signer) { s.sk = "sk-x" }, nil, "sign result is not same [gw]"},
		{"for another region", func(_ *world, s *signer) { s.region = "cn-south-1" }, nil, "sign result is not same [gw]"},
		{"for another service", func(_ *world, s *signer) { s.service = "vm" }, nil, "sign result is not same [gw]"},
		{"with another query than the signed", nil, func(_ *world, r *http.Request) { r.URL.RawQuery = "a=b" }, "sign result is not same [gw]"},
		{"with another type than the signed", nil, header("Content-Type", "text/plain"), "sign result is not same [gw]"},
		{"with another scope than the signed", nil, func(_ *world, r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/vpc/", "/vm/", 1))
		}, "sign result is not same [gw]"},
		{"with the date changed", nil, header("x-jdcloud-date", "20261127T120001Z"), "sign result is not same [gw]"},
		{"with an unsigned header of JD Cloud's", nil, header("x-jdcloud-pin", "cGlu"), "sign result is not same [gw]"},
		{"with any other header", nil, header("X-Forwarded-For", "192.0.2.1"), ""},
		{"without the host signed", func(_ *world, s *signer) { s.headers = []string{"x-jdcloud-date", "x-jdcloud-nonce"} }, nil, "sign result is not same [gw]"},
		{"with a date that is none", func(_ *world, s *signer) { s.date = "20261127X120000Z" }, nil, general},
		{"five minutes ahead", func(w *world, s *signer) { s.date = "20261127T120500Z" }, nil, ""},
		{"more than five minutes ahead", func(w *world, s *signer) { s.date = "20261127T120501Z" }, nil, general},
		{"more than five minutes behind", func(w *world, s *signer) { s.date = "20261127T115459Z" }, nil, general},
		{"without a nonce", func(_ *world, s *signer) { s.nonce = "" }, nil, general},
		{"with a nonce used before", func(w *world, s *signer) { w.get(eip); s.nonce = "nonce-2" }, nil, general},
		{"with a nonce that another used", func(w *world, s *signer) { w.callAs("ak-b", "GET", eip, ""); s.nonce = "nonce-2" }, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakejd.Options{})
			s, req := w.signer("ak-a", eip), w.request("GET", eip, "")
			if tt.change != nil {
				tt.change(w, &s)
			}
			s.sign(req, "")
			if tt.after != nil {
				tt.after(w, req)
			}
			if r := w.do(req); tt.want != "" {
				wantFailure(t, r, 401, "ACCESS_ERROR", tt.want)
			} else if r.status != 200 {
				t.Errorf("got %d %v", r.status, r.body)
			}
		})
	}
}

func TestABodyIsSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	const path = nicB + ":associateElasticIp"
	req := w.request("POST", path, `{"elasticIpId":"fip-free"}`)
	w.signer("ak-a", path).sign(req, `{"elasticIpId":"fip-held"}`)
	wantFailure(t, w.do(req), 401, "ACCESS_ERROR", "sign result is not same [gw]")
	w.wantHolder("203.0.113.11", "", byEIP)
}

func TestChecksThatCanBeLeftOut(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options fakejd.Options
		change  func(*signer)
	}{
		{"any clock", fakejd.Options{ClockWindow: -1}, func(s *signer) { s.date = "20200101T000000Z" }},
		{"a wider window", fakejd.Options{ClockWindow: time.Hour}, func(s *signer) { s.date = "20261127T130000Z" }},
		{"any nonce", fakejd.Options{RepeatedNonces: true}, func(s *signer) { s.nonce = "nonce-1" }},
		{"no host", fakejd.Options{UnsignedHost: true}, func(s *signer) { s.headers = []string{"x-jdcloud-date", "x-jdcloud-nonce"} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.options)
			w.get(eip)
			s, req := w.signer("ak-a", eip), w.request("GET", eip, "")
			tt.change(&s)
			s.sign(req, "")
			if r := w.do(req); r.status != 200 {
				t.Errorf("got %d %v", r.status, r.body)
			}
		})
	}
}

func TestANonceIsForgottenOnceNoDateWithItCouldPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	var got []int
	for _, later := range []time.Duration{0, 10 * time.Minute, time.Nanosecond} {
		w.advance(later)
		s, req := w.signer("ak-a", eip), w.request("GET", eip, "")
		s.nonce = "once"
		s.sign(req, "")
		got = append(got, w.do(req).status)
	}
	if diff := cmp.Diff([]int{200, 401, 200}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTemporaryCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.jd.AddCredential(fakejd.Credential{
		AccessKey: "ak-t", SecretKey: "sk-t", Token: "tok", Expires: w.clock().Add(time.Minute),
	})
	call := func(token string, signed bool) response {
		s, req := w.signer("ak-t", eip), w.request("GET", eip, "")
		s.token = token
		if signed {
			s.headers = append(s.headers, "x-jdcloud-security-token")
		}
		s.sign(req, "")
		return w.do(req)
	}
	if r := call("tok", true); r.status != 200 {
		t.Errorf("with the token: got %d %v", r.status, r.body)
	}
	wantFailure(t, call("other", true), 401, "ACCESS_ERROR", "Invalid authentication credentials")
	wantFailure(t, call("", false), 401, "ACCESS_ERROR", "Invalid authentication credentials")
	wantFailure(t, call("tok", false), 401, "ACCESS_ERROR", "sign result is not same [gw]")
	w.advance(time.Minute)
	wantFailure(t, call("tok", true), 401, "ACCESS_ERROR", "Invalid authentication credentials")
}

func TestPermissionsAreByOperation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.jd.AddCredential(fakejd.Credential{
		AccessKey: "ak-r", SecretKey: "sk-r", Operations: []string{"describeElasticIp", "vpc:associateElasticIp"},
	})
	if r := w.callAs("ak-r", "GET", eip, ""); r.status != 200 {
		t.Errorf("a permitted operation: got %d %v", r.status, r.body)
	}
	if r := w.callAs("ak-r", "POST", nicB+":associateElasticIp", `{"elasticIpId":"fip-free"}`); r.status != 200 {
		t.Errorf("one permitted for its service: got %d %v", r.status, r.body)
	}
	for _, path := range []string{"instances/i-b:associateElasticIp", "networkInterfaces/port-b:assignSecondaryIps"} {
		wantFailure(t, w.callAs("ak-r", "POST", base+path, "{}"), 403, "HTTP_FORBIDDEN", "api is disabled")
	}
}
