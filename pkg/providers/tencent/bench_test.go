// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// answers is a transport that answers each request with the same body, to measure what
// a call costs apart from the network.
type answers string

func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, req.Body)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(string(a))),
	}, nil
}

func benchmarkAssign(b *testing.B, body string) {
	c, err := New(Config{
		HTTP:   cloudhttp.New(cloudhttp.Config{Transport: answers(body)}),
		Region: func(context.Context) (string, error) { return "ap-guangzhou", nil },
		Credentials: func(context.Context) (Credential, error) {
			return Credential{ID: "AKIDEXAMPLE", Key: cloudhttp.NewSecret("SKEXAMPLE")}, nil
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	p, _ := c.Kind(providers.KindEIP)
	a := providers.Address{Provider: Name, Kind: providers.KindEIP, IP: netip.MustParseAddr("203.0.113.10"), ID: "eip-11111111"}
	to := providers.Target{Instance: "ins-11111111", PrivateIP: netip.MustParseAddr("10.0.4.20")}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = p.Assign(context.Background(), a, to, providers.Assignment{})
	}
}

// BenchmarkAccepted is a call from the request to the decoded answer: encoding,
// signing, the client's own work, decoding.
func BenchmarkAccepted(b *testing.B) {
	benchmarkAssign(b, `{"Response":{"TaskId":"50121411","RequestId":"3c140219-cfe9-470e-b241-907877d6fb03"}}`)
}

// BenchmarkRefused is the same with an answer that is classified by its code.
func BenchmarkRefused(b *testing.B) {
	benchmarkAssign(b, `{"Response":{"Error":{"Code":"UnsupportedOperation.AddressStatusNotPermit","Message":"no"},"RequestId":"3c140219"}}`)
}
