// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

const (
	vectorStamp = "20190214T104514Z"
	vectorKey   = "TESTAK"
)

var vectorSecret = cloudhttp.NewSecret("TESTSK")

// TestTheOfficialVector is the example of the vendor's page "Signature Algorithm", with
// the sums it names on the way.
func TestTheOfficialVector(t *testing.T) {
	t.Parallel()
	query := url.Values{"p1": {"p1"}, "p0": {"p0"}, "o": {"%"}, "u": {"u"}}
	if got, want := canonicalQuery(query), "o=%25&p0=p0&p1=p1&u=u"; got != want {
		t.Errorf("query %q, want %q", got, want)
	}
	if got, want := hexSum([]byte("body data")), "e51832a118eeff7ad976d635b7d04538e362e4c21bd0f6253580b0a83a209074"; got != want {
		t.Errorf("sum of the body %s, want %s", got, want)
	}
	text, names := canonical("POST", "/v1/resource:action", query, map[string]string{
		"x-jdcloud-date": vectorStamp, "x-jdcloud-nonce": "testnonce", "x-my-header": "test", "x-my-header_blank": " blank",
	}, []byte("body data"))
	if want := "x-jdcloud-date;x-jdcloud-nonce;x-my-header;x-my-header_blank"; names != want {
		t.Errorf("signed %q, want %q", names, want)
	}
	if got, want := hexSum([]byte(text)), "fb2e317056269590681d091f8eb22272967c0b922b2deda887312215ea4eed4c"; got != want {
		t.Errorf("sum of the canonical request %s, want %s\n%s", got, want, text)
	}
	s := scope{vectorStamp[:8], "cn-north-1", "test"}
	if got, want := hex.EncodeToString(signingKey(vectorSecret, s)), "a4e50bcb6001be0008696b173c30172b5ce22a77db00d21c6a9d69de2ba33b7d"; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	if got, want := signature(vectorSecret, vectorStamp, s, text), "2a98f83c074e7bee260bfc8ef64f009c07595bd93f7f0c3f4e156bf6479ed9bf"; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

// vectors are requests as this driver makes them, with signatures computed elsewhere.
var vectors = []struct {
	name, service, method, url, body, token string
	sum, signature                          string
}{
	{"a write with a colon in its path", "vm", "POST",
		"https://vm.jdcloud-api.com/v1/regions/cn-north-1/instances/i-eumm1234d6:associateElasticIp", `{"elasticIpId":"fip-z1z1abcdja"}`, "",
		"44e4c4492572b4ea8670bcf1cbf7acd4fea8207cb5f266a20e5323dc979622aa", "7c891373266acaf4a3d747b94597306a9b219262b7a8b79414459ade5d711b03"},
	{"a list with filters", "vpc", "GET",
		"https://vpc.jdcloud-api.com/v1/regions/cn-north-1/elasticIps/?filters.1.name=elasticIpIds&filters.1.values.1=fip-z1z1abcdja&pageSize=20", "", "",
		"b5e60117a148c47940cc1d4e61dc053d190977130c6c3cf47e3e8b24677bc1af", "fde188544febebd78413437fae2a12f082c508b87bbe3b20a9c25a3b9e3ceb55"},
	{"temporary credentials", "vpc", "POST",
		"https://vpc.jdcloud-api.com/v1/regions/cn-north-1/networkInterfaces/port-xyaoj5k08j:assignSecondaryIps", `{"force":true,"secondaryIps":["10.0.0.9"]}`, "tok",
		"2d6c70dbd56f49adb01165f3c9c2176059d9f3d48f1d968857c98a29816a7258", "babe1f04c9ec752012dbeec217e52f71dea399883ae74ce656677cc35b67ce39"},
}

// vectorClient signs as in the vectors.
func vectorClient(token string) *client {
	return &client{
		now:   func() time.Time { return time.Date(2019, 2, 14, 18, 45, 14, 0, time.FixedZone("Beijing", 8*60*60)) },
		nonce: func() string { return "testnonce" },
		credentials: func(context.Context) (Credential, error) {
			return Credential{vectorKey, vectorSecret, cloudhttp.NewSecret(token)}, nil
		},
	}
}

func TestRequestsAreSignedAsTheVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequest(v.method, v.url, strings.NewReader(v.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set(scopeHeader, "cn-north-1/"+v.service)
			req.Header.Set("User-Agent", "fipctl/1") // not signed
			secrets, err := vectorClient(v.token).sign(req, []byte(v.body))
			if err != nil {
				t.Fatal(err)
			}
			names := "content-type;host;x-jdcloud-date;x-jdcloud-nonce"
			want := http.Header{
				"Content-Type": {"application/json"}, "User-Agent": {"fipctl/1"},
				"X-Jdcloud-Date": {vectorStamp}, "X-Jdcloud-Nonce": {"testnonce"},
			}
			if v.token != "" {
				names += ";x-jdcloud-security-token"
				want.Set(headerToken, "dG9r")
				if len(secrets) != 1 || secrets[0].Reveal() != "dG9r" {
					t.Errorf("what is to be redacted: %d secrets", len(secrets))
				}
			}
			want.Set("Authorization", "JDCLOUD2-HMAC-SHA256 Credential=TESTAK/20190214/cn-north-1/"+v.service+
				"/jdcloud2_request, SignedHeaders="+names+", Signature="+v.signature)
			if diff := cmp.Diff(want, req.Header); diff != "" {
				t.Error(diff)
			}
			headers := map[string]string{}
			for _, name := range strings.Split(names, ";") {
				headers[name] = req.Header.Get(name)
			}
			headers["host"] = req.URL.Host
			if text, _ := canonical(v.method, req.URL.Path, req.URL.Query(), headers, []byte(v.body)); hexSum([]byte(text)) != v.sum {
				t.Errorf("another canonical request:\n%s", text)
			}
		})
	}
}

func TestEscapeKeepsTheUnreservedAlone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"azAZ09-._~":    "azAZ09-._~",
		"a b":           "a%20b",
		"a/b:c":         "a%2Fb%3Ac",
		"%3A":           "%253A",
		"名":             "%E5%90%8D",
		"a=b&c+d*e?f#g": "a%3Db%26c%2Bd%2Ae%3Ff%23g",
	} {
		if got := escape(text, ""); got != want {
			t.Errorf("escape(%q) = %q, want %q", text, got, want)
		}
	}
	if got, want := escape("/v1/a:b c/", "/"), "/v1/a%3Ab%20c/"; got != want {
		t.Errorf("a path: %q, want %q", got, want)
	}
}

func TestQueriesAreSortedByNameThenValue(t *testing.T) {
	t.Parallel()
	got := canonicalQuery(url.Values{"b": {"2", "1"}, "a": {""}, "B": {"3"}})
	if want := "B=3&a=&b=1&b=2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoncesAreUUIDsAndDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		n := newNonce()
		if len(n) != 36 || n[14] != '4' || seen[n] {
			t.Fatalf("nonce %q, seen before: %v", n, seen[n])
		}
		seen[n] = true
	}
}

func TestWithoutCredentialsNothingIsSigned(t *testing.T) {
	t.Parallel()
	for name, cred := range map[string]Credential{
		"no key":    {SecretKey: vectorSecret},
		"no secret": {AccessKey: vectorKey},
	} {
		c := vectorClient("")
		c.credentials = func(context.Context) (Credential, error) { return cred, nil }
		req, _ := http.NewRequest("GET", "https://vm.jdcloud-api.com/", nil)
		if _, err := c.sign(req, nil); err == nil || req.Header.Get("Authorization") != "" {
			t.Errorf("%s: signed %q, %v", name, req.Header.Get("Authorization"), err)
		}
	}
	c := vectorClient("")
	c.credentials = func(context.Context) (Credential, error) { return Credential{}, io.ErrUnexpectedEOF }
	req, _ := http.NewRequest("GET", "https://vm.jdcloud-api.com/", nil)
	if _, err := c.sign(req, nil); err != io.ErrUnexpectedEOF {
		t.Errorf("got %v", err)
	}
}

// BenchmarkSign measures what a call costs before it leaves; the limit is 50 µs, with
// the classification of its answer.
func BenchmarkSign(b *testing.B) {
	c := vectorClient("tok")
	v := vectors[2]
	req, err := http.NewRequest(v.method, v.url, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		req.Header.Set(scopeHeader, "cn-north-1/vpc")
		if _, err := c.sign(req, []byte(v.body)); err != nil {
			b.Fatal(err)
		}
	}
}
