// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
)

// metadata reads one path as the machine does; status and text.
func (w *world) metadata(instance, path string) (int, string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.tc.MetadataHandler(instance).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(rec.Body)
	w.must(err)
	return rec.Code, string(body)
}

const none = "404"

// read is the text at a path below /latest/meta-data/, or 404.
func (w *world) read(instance, path string) string {
	w.t.Helper()
	status, body := w.metadata(instance, "/latest/meta-data/"+path)
	if status != http.StatusOK {
		return none
	}
	return body
}

func TestTheTreeOfAMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.must(w.tc.AddMachine(faketencent.Machine{
		Instance: fakecloud.Instance{ID: "ins-dddddddd", Name: "web", Private: []netip.Addr{netip.MustParseAddr("10.0.4.30")}},
		MAC:      "52:54:00:BF:B3:51",
	}))
	w.must(w.tc.AddENI(faketencent.ENI{
		ID: "eni-eeeeeeee", MAC: "52:54:00:BF:B3:52", Subnet: "subnet-other", IP: netip.MustParseAddr("10.0.5.30"), Instance: "ins-dddddddd",
	}))
	w.must(w.tc.AddPrivateIP(faketencent.PrivateIP{IP: netip.MustParseAddr("10.0.4.61"), Holder: providers.Target{Instance: "ins-dddddddd"}}))
	const first = "network/interfaces/macs/52:54:00:BF:B3:51/"
	for path, want := range map[string]string{
		"":            "instance-id\ninstance-name\nuuid\nplacement/\nlocal-ipv4\nmac\nnetwork/",
		"instance-id": "ins-dddddddd", "instance-name": "web", "placement/": "region\nzone",
		"placement/region": "ap-guangzhou", "placement/zone": "ap-guangzhou-3",
		"local-ipv4": "10.0.4.30", "mac": "52:54:00:BF:B3:51", "public-ipv4": none,
		"network/interfaces/macs/":                  "52:54:00:BF:B3:51/\n52:54:00:BF:B3:52/",
		"network/interfaces/macs":                   "52:54:00:BF:B3:51/\n52:54:00:BF:B3:52/",
		first:                                       "mac\nprimary-local-ipv4\nvpc-id\nsubnet-id\nlocal-ipv4s/",
		first + "mac":                               "52:54:00:BF:B3:51",
		first + "primary-local-ipv4":                "10.0.4.30",
		first + "subnet-id":                         "subnet-fipctl01",
		first + "vpc-id":                            "vpc-fipctl01",
		first + "local-ipv4s/":                      "10.0.4.30/\n10.0.4.61/",
		first + "local-ipv4s/10.0.4.30/gateway":     "10.0.4.1",
		first + "local-ipv4s/10.0.4.30/subnet-mask": "255.255.255.0",
		"network/interfaces/macs/52:54:00:BF:B3:52/subnet-id": "subnet-other",
		"network/interfaces/macs/52:54:00:bf:b3:51/mac":       none,
		"Instance-Id": none, "cam/security-credentials/": none, "cam/security-credentials/fipctl": none,
	} {
		if got := w.read("ins-dddddddd", path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"/meta-data/instance-id", "/1.0/meta-data/instance-id", "/2017-09-19/meta-data/instance-id"} {
		if status, body := w.metadata("ins-dddddddd", path); status != 200 || body != "ins-dddddddd" {
			t.Errorf("%s: got %d %q", path, status, body)
		}
	}
	for _, path := range []string{"/2016-01-01/meta-data/instance-id", "/latest/meta-datainstance-id", "/"} {
		if status, _ := w.metadata("ins-dddddddd", path); status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, status)
		}
	}
	if got := w.read("ins-00000000", "instance-id"); got != none {
		t.Errorf("of no machine: got %q", got)
	}
	w.tc.MetadataHandler("ins-dddddddd").Inject(face.Match{}, face.ServerError(503), 1)
	if status, _ := w.metadata("ins-dddddddd", "/latest/meta-data/mac"); status != 503 {
		t.Errorf("a fault: got %d", status)
	}
}

func TestTheMetadataShowsAddressesLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{BindDelay: -1, MetadataLag: 5 * time.Second})
	w.advance(time.Minute)
	w.wantCode("bind", w.call("AssociateAddress", bindFree), "")
	for _, want := range []string{none, "203.0.113.11"} {
		if got := w.read("ins-bbbbbbbb", "public-ipv4"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		w.advance(5 * time.Second)
	}
	mac := w.read("ins-bbbbbbbb", "mac")
	for path, want := range map[string]string{
		"/public-ipv4s/": "203.0.113.11", "/local-ipv4s/10.0.4.21/public-ipv4": "203.0.113.11",
		"/local-ipv4s/10.0.4.21/public-ipv4-mode": "NAT",
	} {
		if got := w.read("ins-bbbbbbbb", "network/interfaces/macs/"+mac+path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// roleDocument is what the metadata says of a role, as clients read it.
type roleDocument struct {
	TmpSecretId, TmpSecretKey, Token, Code, Expiration string
	ExpiredTime                                        int64
}

func (w *world) role(instance, name string) roleDocument {
	w.t.Helper()
	var d roleDocument
	w.must(json.Unmarshal([]byte(w.read(instance, "cam/security-credentials/"+name)), &d))
	return d
}

func TestARoleGivesCredentialsThatEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.tc.SetRole("ins-aaaaaaaa", faketencent.Role{
		Name: "fipctl", Lifetime: 10 * time.Minute, Node: "lb-a", Actions: []string{"vpc:DescribeAddresses"},
	})
	if got := w.read("ins-aaaaaaaa", "cam/security-credentials/"); got != "fipctl" {
		t.Errorf("its name: got %q", got)
	}
	if got := w.read("ins-aaaaaaaa", "cam/security-credentials/other"); got != none {
		t.Errorf("another: got %q", got)
	}
	code := func(d roleDocument, action string) string {
		r, err := w.send(call{id: d.TmpSecretId, key: d.TmpSecretKey, token: d.Token, action: action})
		w.must(err)
		return r.code()
	}
	first := w.role("ins-aaaaaaaa", "fipctl")
	end := start.Add(10 * time.Minute)
	if first.Code != "Success" || first.ExpiredTime != end.Unix() || first.Expiration != end.UTC().Format(time.RFC3339) {
		t.Errorf("got %+v", first)
	}
	if got := code(first, "DescribeAddresses") + "," + code(first, "DescribeHaVips"); got != ",UnauthorizedOperation" {
		t.Errorf("what it may do: got %s", got)
	}
	w.advance(5*time.Minute - time.Second)
	if again := w.role("ins-aaaaaaaa", "fipctl"); again != first {
		t.Errorf("a new one too early: %+v", again)
	}
	w.advance(time.Second)
	second := w.role("ins-aaaaaaaa", "fipctl")
	if second == first || second.ExpiredTime != start.Add(15*time.Minute).Unix() {
		t.Errorf("no new one: %+v", second)
	}
	for _, d := range []roleDocument{first, second} {
		if got := code(d, "DescribeAddresses"); got != "" {
			t.Errorf("%s is refused: %s", d.TmpSecretId, got)
		}
	}
	w.advance(5 * time.Minute)
	if got := code(first, "DescribeAddresses") + "," + code(second, "DescribeAddresses"); got != "AuthFailure.TokenFailure," {
		t.Errorf("when the first ends: got %s", got)
	}
	nodes := map[string]bool{}
	for _, e := range w.model.Journal() {
		nodes[e.Node] = true
	}
	if len(nodes) != 1 || !nodes["lb-a"] {
		t.Errorf("nodes: got %v", nodes)
	}
	w.advance(48 * time.Hour)
	w.role("ins-aaaaaaaa", "fipctl")
	if got := code(second, "DescribeAddresses"); got != "AuthFailure.SecretIdNotFound" {
		t.Errorf("days later: got %s", got)
	}
}

func TestARoleCanBeTakenAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.tc.SetRole("ins-aaaaaaaa", faketencent.Role{Name: "fipctl", Code: "Failed"})
	if d := w.role("ins-aaaaaaaa", "fipctl"); d != (roleDocument{Code: "Failed"}) {
		t.Errorf("without success: got %+v", d)
	}
	w.tc.SetRole("ins-aaaaaaaa", faketencent.Role{})
	if got := w.read("ins-aaaaaaaa", "cam/security-credentials/"); got != none {
		t.Errorf("without a role: got %q", got)
	}
	w.tc.SetRole("ins-aaaaaaaa", faketencent.Role{Name: "fipctl"})
	if d := w.role("ins-aaaaaaaa", "fipctl"); d.ExpiredTime != start.Add(faketencent.RoleLifetime).Unix() || !strings.HasPrefix(d.TmpSecretId, "AKID") {
		t.Errorf("by default: got %+v", d)
	}
}
