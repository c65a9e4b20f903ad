// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean_test

import (
	"encoding/json"
	"strings"
	"testing"

	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// TestSparseAnswers are those that clients of the service have recorded.
func TestSparseAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{OperationDelay: -1, Shape: face.Sparse})
	wantJSON(t, "an unheld IPv6", w.get(sixth).body, `{"ip": "2001:db8::42", "region_slug": "nyc3", "reserved_at": "2026-01-01T00:00:00Z"}`)
	wantJSON(t, "in a list", w.get("/v2/reserved_ipv6").body,
		`{"reserved_ips": [{"ip": "2001:db8::42", "region_slug": "nyc3", "reserved_at": "2026-01-01T00:00:00Z"}], "meta": {"total": 1}}`)
	if doc := w.get(second).at("reserved_ip").(map[string]any); doc["droplet"] != nil || len(doc) != 4 {
		t.Errorf("an unheld IPv4: got %v, want its droplet null and no word of a lock", doc)
	}
	if _, listed := w.get("/v2/droplets/1001").at("droplet", "networks").(map[string]any)["v6"]; listed {
		t.Error("a droplet that holds no IPv6 lists some")
	}
	w.post(sixth, `{"type":"assign","droplet_id":1001}`)
	if nets := w.get("/v2/droplets/1001").at("droplet", "networks", "v6").([]any); len(nets) != 1 || nets[0].(map[string]any)["ip_address"] != "2001:db8::42" {
		t.Errorf("the holder of an IPv6 lists %v", nets)
	}
	if holder := w.get(sixth).at("droplet").(map[string]any); holder["id"] != 1001.0 || holder["networks"] != nil {
		t.Errorf("the holder of an IPv6 is %v", holder)
	}
	_, body := w.meta("1003", "/metadata/v1.json")
	var doc map[string]any
	w.must(json.Unmarshal([]byte(body), &doc))
	if _, private := doc["interfaces"].(map[string]any)["private"]; private || doc["droplet_id"] != "1003" || doc["hostname"] != nil {
		t.Errorf("metadata of a droplet without a private network: %s", body)
	}
	if _, body := w.meta("1001", "/metadata/v1.json"); !strings.Contains(body, `"10.0.4.20"`) {
		t.Errorf("metadata of one that has it: %s", body)
	}
}
