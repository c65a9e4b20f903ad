// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

// hostileReads are bodies that answer the question who holds 203.0.113.10 in no
// way that may be believed.
var hostileReads = map[string]string{
	"empty":                      "",
	"white space":                " \n",
	"HTML":                       "<html><body>Bad gateway</body></html>",
	"truncated":                  `{"reserved_ip":{"ip":"203.0.113.10","droplet":nu`,
	"two documents":              `{"reserved_ip":{"ip":"203.0.113.10","droplet":null}}{}`,
	"null":                       `null`,
	"a list":                     `[]`,
	"another key":                `{"floating_ip":{"ip":"203.0.113.10","droplet":null}}`,
	"the v6 key":                 `{"reserved_ipv6":{"ip":"203.0.113.10","droplet":null}}`,
	"null address":               `{"reserved_ip":null}`,
	"no ip":                      `{"reserved_ip":{"droplet":null}}`,
	"another ip":                 `{"reserved_ip":{"ip":"203.0.113.11","droplet":null}}`,
	"an ip that is none":         `{"reserved_ip":{"ip":"203.0.113.10.","droplet":null}}`,
	"no droplet key":             `{"reserved_ip":{"ip":"203.0.113.10"}}`,
	"droplet false":              `{"reserved_ip":{"ip":"203.0.113.10","droplet":false}}`,
	"droplet a number":           `{"reserved_ip":{"ip":"203.0.113.10","droplet":1001}}`,
	"droplet empty":              `{"reserved_ip":{"ip":"203.0.113.10","droplet":{}}}`,
	"droplet id zero":            `{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":0}}}`,
	"droplet id negative":        `{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":-1001}}}`,
	"droplet id null":            `{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":null}}}`,
	"droplet id text":            `{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":"1001"}}}`,
	"droplet id a fraction":      `{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":1001.5}}}`,
	"droplet id too large":       `{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":9223372036854775808}}}`,
	"locked is text":             `{"reserved_ip":{"ip":"203.0.113.10","droplet":null,"locked":"no"}}`,
	"a private address is not":   `{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":1,"networks":{"v4":[{"ip_address":"x","type":"private"}]}}}}`,
	"networks of the wrong type": `{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":1,"networks":[]}}}`,
}

func TestAHostileAnswerToAReadIsAnErrorAndNeverAnOwner(t *testing.T) {
	t.Parallel()
	for name, body := range hostileReads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, c := start(t, script{"GET /v2/reserved_ips/203.0.113.10": {status: 200, body: body}})
			got, err := p.Owner(t.Context(), v4)
			if kindWord(err) != "transient" || !got.Target.IsZero() || got.PrivateAddresses != nil {
				t.Errorf("got %+v, %v", got, err)
			}
			if !strings.Contains(err.Error(), "request req-header") {
				t.Errorf("no request id in %q", err)
			}
			if n := len(c.seen()); n != 1 {
				t.Errorf("%d requests; a whole answer is not asked for again", n)
			}
		})
	}
}

// TestAMemberInOtherLettersIsAnotherMember: the last would win, and make nobody the owner.
func TestAMemberInOtherLettersIsAnotherMember(t *testing.T) {
	t.Parallel()
	got, err := decodeReservedIP([]byte(`{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":1001},"DROPLET":null}}`), v4.IP)
	if err != nil || got.holder == nil || got.holder.id != 1001 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := decodeReservedIP([]byte(`{"reserved_ip":{"ip":"203.0.113.10","Droplet":null}}`), v4.IP); err == nil {
		t.Error("another member makes nobody the owner")
	}
}

func TestAMissingOrWrongFieldIsNamed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"empty":            "the answer is empty",
		"another key":      "reserved_ip: missing",
		"no ip":            "reserved_ip.ip: missing",
		"another ip":       `reserved_ip.ip: asked for 203.0.113.10, got "203.0.113.11"`,
		"no droplet key":   "reserved_ip.droplet: missing",
		"droplet id zero":  "reserved_ip.droplet.id: missing or not a positive number",
		"droplet id null":  "reserved_ip.droplet.id: missing or not a positive number",
		"null address":     "reserved_ip: missing",
		"droplet a number": "reserved_ip.droplet: decode answer: number, which is not the documented type",
	} {
		if _, err := decodeReservedIP([]byte(hostileReads[name]), v4.IP); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got  %v\nwant %s", name, err, want)
		}
	}
}

func TestAHostileAnswerToAWriteIsAmbiguous(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":              "",
		"HTML":               "<html>",
		"truncated":          `{"action":{"id":7,`,
		"no action":          `{}`,
		"null action":        `{"action":null}`,
		"action id missing":  `{"action":{"status":"in-progress"}}`,
		"action id zero":     `{"action":{"id":0,"status":"in-progress"}}`,
		"action id negative": `{"action":{"id":-7,"status":"in-progress"}}`,
		"action id text":     `{"action":{"id":"7","status":"in-progress"}}`,
		"status missing":     `{"action":{"id":7}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, c := start(t, script{"POST /v2/reserved_ips/203.0.113.10/actions": {status: 201, body: body}})
			got, err := p.Assign(t.Context(), v4, nodeB, providers.Assignment{})
			if kindWord(err) != "ambiguous" || got != (providers.Result{}) {
				t.Errorf("got %+v, %v", got, err)
			}
			if !strings.Contains(err.Error(), "request req-header") {
				t.Errorf("no request id in %q", err)
			}
			if n := len(c.seen()); n != 1 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

func TestFieldsThatMayBeMissing(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"locked, region, project": `{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":1001}}}`,
		"unknown fields pass":     `{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":1001,"new":1},"new":{}},"links":{}}`,
	} {
		p, _ := start(t, script{"GET /v2/reserved_ips/203.0.113.10": {status: 200, body: body}})
		if got, err := p.Owner(t.Context(), v4); err != nil || got.Target != nodeA || got.Pending {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// FuzzDecodeReservedIP looks for a body that panics, or that yields an owner
// which is no droplet.
func FuzzDecodeReservedIP(f *testing.F) {
	for _, body := range hostileReads {
		f.Add([]byte(body))
	}
	f.Add([]byte(`{"reserved_ip":{"ip":"203.0.113.10","droplet":{"id":1001},"locked":true}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decodeReservedIP(body, v4.IP)
		if err != nil && (got.holder != nil || got.locked) {
			t.Errorf("an error came with %+v", got)
		}
		if err == nil && got.holder != nil && got.holder.id <= 0 {
			t.Errorf("droplet %d", got.holder.id)
		}
	})
}
