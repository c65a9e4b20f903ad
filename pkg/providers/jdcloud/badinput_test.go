// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"context"
	"strings"
	"testing"
	"time"

	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/jdcloud"
)

// operator is what somebody may have got wrong.
type operator struct {
	region string
	cred   jdcloud.Credential
	clock  time.Duration // off by
	a      providers.Address
	to     providers.Target
}

// TestAMistakeIsOneClearLine plays an operator's mistakes against the fake, which checks
// signatures, dates and permissions, and looks at what `check --online` would print: an
// owner read and a check. Each names the field or the permission to fix.
func TestAMistakeIsOneClearLine(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		kind   string
		change func(*operator)
		want   string
	}{
		{"no mistake", providers.KindEIP, func(*operator) {}, ""},
		{"another region", providers.KindEIP, func(o *operator) { o.region = "cn-south-1" },
			"not-found (404 NOT_FOUND, request #): Resource not found; the access key sees none in region cn-south-1; check the id and region"},
		{"a region that does not exist", providers.KindEIP, func(o *operator) { o.region = "cn-north-9" },
			"invalid (404 NOT_FOUND, request #): no route and no API found with those values; 127.0.0.1:# has no such call for region cn-north-9; check region and endpoint"},
		{"a region that is none", providers.KindRoute, func(o *operator) { o.region = "Beijing" },
			`invalid: region: "Beijing" is not a region id; give one such as cn-north-1`},
		{"the id of a HAVIP", providers.KindEIP, func(o *operator) { o.a.ID = "havip-123" },
			`invalid: id: "havip-123" is not the id of the EIP, which begins with fip-`},
		{"the id of another EIP", providers.KindEIP, func(o *operator) { o.a.ID = "fip-spare" },
			"invalid: id: fip-spare is the EIP 203.0.113.12 and not 203.0.113.10; correct id or ip"},
		{"an address of another subnet", providers.KindPrivateIP, func(o *operator) { o.a.IP = ip("10.0.5.99") },
			"invalid: ip: 10.0.5.99 is not in subnet-web, which is 10.0.4.0/24; correct ip or subnet"},
		{"the primary address of a machine", providers.KindPrivateIP, func(o *operator) { o.a.IP = ip("10.0.4.21") },
			`invalid: ip: 10.0.4.21 is the primary address of interface port-b ("i-b"), which cannot move; use a free address of the subnet`},
		{"a route inside the network", providers.KindRoute, func(o *operator) { o.a.IP = ip("10.0.9.9") },
			"invalid: ip: 10.0.9.9 is inside 10.0.0.0/16, the network's own range; a route needs an address outside of it"},
		{"a route that is not there", providers.KindRoute, func(o *operator) { o.a.IP = ip("172.16.0.10") },
			"not-found: rtb-web has no route for 172.16.0.10/32; add one once, with any node as its next hop"},
		{"a key that may only read EIPs", providers.KindPrivateIP, func(o *operator) { o.cred = credential("ak-eip", "") },
			"denied (403 HTTP_FORBIDDEN, request #): api is disabled; give the user of the access key the permission vpc:describeNetworkInterfaces"},
		{"a key that does not exist", providers.KindEIP, func(o *operator) { o.cred = credential("ak-none", "") },
			"denied (401 ACCESS_ERROR, request #): Invalid accessKey; check the access key and its secret in credentials_file, or whether the session of the role has expired"},
		{"a wrong secret", providers.KindEIP, func(o *operator) { o.cred.SecretKey = cloudhttp.NewSecret("another-secret") },
			"denied (401 ACCESS_ERROR, request #): sign result is not same [gw]; check the access key and its secret in credentials_file, or whether the session of the role has expired"},
		{"the session of a role that has expired", providers.KindEIP, func(o *operator) { o.cred = credential("ak-role", "session-0123456789") },
			"denied (401 ACCESS_ERROR, request #): Invalid authentication credentials; check the access key and its secret in credentials_file, or whether the session of the role has expired"},
		{"a clock that is ten minutes behind", providers.KindEIP, func(o *operator) { o.clock = -10 * time.Minute },
			"denied (401 ACCESS_ERROR, request #): Invalid authentication credentials; the clock of this machine is 10m0s behind the API's, and signatures count for minutes only; synchronise it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newWorld(t, tc.kind, fakejd.Options{Credentials: accounts})
			if tc.kind == providers.KindEIP {
				h.must(h.api.AddEIP(fakejd.EIP{ID: "fip-spare", IP: ip("203.0.113.12")}))
			}
			o := operator{region: "cn-north-1", cred: credential("ak-good", ""), a: h.Address(), to: h.target("i-a")}
			tc.change(&o)
			checkMistake(t, h, o, tc.want)
		})
	}
}

func credential(key, token string) jdcloud.Credential {
	return jdcloud.Credential{AccessKey: key, SecretKey: cloudhttp.NewSecret("secret-of-" + key), Token: cloudhttp.NewSecret(token)}
}

// accounts are what the cloud knows; each secret begins with "secret-of-".
var accounts = []fakejd.Credential{
	{AccessKey: "ak-good", SecretKey: "secret-of-ak-good"},
	{AccessKey: "ak-eip", SecretKey: "secret-of-ak-eip", Operations: []string{"describeElasticIp"}},
	{AccessKey: "ak-role", SecretKey: "secret-of-ak-role", Token: "session-0123456789", Expires: time.Date(2026, 11, 21, 11, 59, 0, 0, time.UTC)},
}

func checkMistake(t *testing.T, h *harness, o operator, want string) {
	t.Helper()
	c, err := jdcloud.New(jdcloud.Config{
		Credentials: func(context.Context) (jdcloud.Credential, error) { return o.cred, nil },
		Region:      func(context.Context) (string, error) { return o.region, nil },
		Endpoints:   jdcloud.Endpoints{Single: h.server.URL},
		Now:         func() time.Time { return h.clock().Add(o.clock) },
	})
	h.must(err)
	t.Cleanup(c.Quit)
	p, _ := c.Kind(h.kind)
	_, owner := p.Owner(t.Context(), o.a)
	preflight := p.(providers.Preflighter).Preflight(t.Context(), o.a, o.to)
	for what, err := range map[string]error{"owner": owner, "check": preflight} {
		got := ""
		if err != nil {
			_, got, _ = strings.Cut(err.Error(), o.a.String())
			got = got[strings.Index(got, ": ")+2:]
		}
		if !alike(got, want) {
			t.Errorf("%s: got  %s\nwant %s", what, got, want)
		}
	}
}

// alike compares two texts, of which the second has # for a number or a request id.
func alike(got, want string) bool {
	for part := range strings.SplitSeq(want, "#") {
		at := strings.Index(got, part)
		if at < 0 || strings.ContainsAny(got[:at], " ") {
			return false
		}
		got = got[at+len(part):]
	}
	return got == ""
}
