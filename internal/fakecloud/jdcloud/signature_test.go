// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// TestTheOfficialVector recomputes the example of JD Cloud's page on the signature
// algorithm. It does not sign the host and is for a service that does not exist, so
// that no call can play it.
func TestTheOfficialVector(t *testing.T) {
	t.Parallel()
	c := &face.Call{
		Method: "POST", Path: "/v1/resource:action", Body: []byte("body data"),
		Query: url.Values{"p1": {"p1"}, "p0": {"p0"}, "o": {"%"}, "u": {"u"}},
		Header: http.Header{
			"X-Jdcloud-Date": {"20190214T104514Z"}, "X-Jdcloud-Nonce": {"testnonce"},
			"X-My-Header": {"test"}, "X-My-Header_blank": {" blank"},
		},
	}
	signed := []string{"x-jdcloud-date", "x-jdcloud-nonce", "x-my-header", "x-my-header_blank"}
	canon := canonical(c, signed)
	s := scope{"20190214", "cn-north-1", "test", terminator}
	got := []string{
		canonicalQuery(c.Query), hexSHA256(c.Body), hexSHA256([]byte(canon)),
		sign("TESTSK", "20190214T104514Z", s, canon),
	}
	want := []string{
		"o=%25&p0=p0&p1=p1&u=u",
		"e51832a118eeff7ad976d635b7d04538e362e4c21bd0f6253580b0a83a209074",
		"fb2e317056269590681d091f8eb22272967c0b922b2deda887312215ea4eed4c",
		"2a98f83c074e7bee260bfc8ef64f009c07595bd93f7f0c3f4e156bf6479ed9bf",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("query, body, request, signature (-want +got):\n%s", diff)
	}
}

func TestWhatIsEncoded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, also, want string }{
		{"AZaz09-._~", "", "AZaz09-._~"},
		{"/a:b/", "/", "/a%3Ab/"},
		{"/a b+c", "", "%2Fa%20b%2Bc"},
		{"é", "", "%C3%A9"},
	} {
		if got := encode(tt.in, tt.also); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestTheAuthorizationIsTakenApart(t *testing.T) {
	t.Parallel()
	full := authorization{
		"ALG", "AK", scope{"20190214", "cn-north-1", "vm", "end"}, []string{"host", "x-b"}, "abc",
	}
	for _, tt := range []struct {
		name, header string
		want         authorization
	}{
		{"in full", "ALG Credential=AK/20190214/cn-north-1/vm/end, SignedHeaders=x-b;Host, Signature=abc", full},
		{"without spaces", "ALG Credential=AK/20190214/cn-north-1/vm/end,SignedHeaders=host;x-b,Signature=abc", full},
		{"with a short scope", "ALG Credential=AK/20190214", authorization{algorithm: "ALG"}},
		{"with empty parts", "ALG Credential=, SignedHeaders=, Signature=", authorization{algorithm: "ALG"}},
		{"empty", "", authorization{}},
	} {
		got := parseAuthorization(tt.header)
		if !slices.Equal(got.signed, tt.want.signed) || got.algorithm != tt.want.algorithm ||
			got.accessKey != tt.want.accessKey || got.scope != tt.want.scope || got.signature != tt.want.signature {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
