// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"encoding/json"
	"hash/fnv"
	"net/netip"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

// projectID is the project that every reserved IP is in.
const projectID = "746c6152-2fa2-11ed-92d3-27aaa54e4988"

// The documents of the API ("Reserved IPs", "Reserved IPv6", "Actions" in the API
// reference). A nil raw message leaves the key out; a JSON null does not.
type (
	regionDocument struct {
		Name      string   `json:"name"`
		Slug      string   `json:"slug"`
		Features  []string `json:"features"`
		Available bool     `json:"available"`
		Sizes     []string `json:"sizes"`
	}
	ipv4Document struct {
		IP        string          `json:"ip"`
		Region    regionDocument  `json:"region"`
		Droplet   json.RawMessage `json:"droplet,omitempty"`
		Locked    bool            `json:"locked"`
		ProjectID string          `json:"project_id,omitempty"`
	}
	ipv6Document struct {
		IP         string          `json:"ip"`
		RegionSlug string          `json:"region_slug"`
		ReservedAt string          `json:"reserved_at"`
		Droplet    json.RawMessage `json:"droplet,omitempty"`
	}
	actionDocument struct {
		ID           int64          `json:"id"`
		Status       string         `json:"status"`
		Type         string         `json:"type"`
		StartedAt    string         `json:"started_at"`
		CompletedAt  *string        `json:"completed_at"`
		ResourceID   int64          `json:"resource_id"`
		ResourceType string         `json:"resource_type"`
		Region       regionDocument `json:"region"`
		RegionSlug   string         `json:"region_slug"`
		ProjectID    string         `json:"project_id,omitempty"`
	}
)

// regionNames are the regions' names without the number.
var regionNames = map[string]string{
	"ams": "Amsterdam", "atl": "Atlanta", "blr": "Bangalore", "fra": "Frankfurt", "lon": "London",
	"nyc": "New York", "sfo": "San Francisco", "sgp": "Singapore", "syd": "Sydney", "tor": "Toronto",
}

func region(slug string) regionDocument {
	letters := strings.TrimRight(slug, "0123456789")
	name := slug
	if n := regionNames[letters]; n != "" {
		name = n + " " + slug[len(letters):]
	}
	return regionDocument{name, slug, []string{"metadata", "ipv6"}, true, []string{sizeSlug}}
}

// resourceID returns the number of an address: an IPv4 read as an integer. That
// of an IPv6 has no known relation to the address.
func resourceID(ip netip.Addr) int64 {
	if ip.Is4() {
		var n int64
		for _, b := range ip.As4() {
			n = n<<8 | int64(b)
		}
		return n
	}
	return int64(hash(ip.String()) >> 33)
}

func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// actionOf returns the document of an operation.
func actionOf(op fakecloud.Operation, slug string) actionDocument {
	d := actionDocument{
		ID: op.ID, StartedAt: timestamp(op.Started), ResourceID: resourceID(op.IP),
		ResourceType: "reserved_ip", Region: region(slug), RegionSlug: slug, Type: "assign_ip",
	}
	switch {
	case op.Verb == fakecloud.Event:
		d.Type, d.ResourceType, d.ResourceID = op.Name, "droplet", dropletID(op.Instance)
	case op.Verb == fakecloud.Detach:
		d.Type = "unassign_ip"
	}
	if op.IP.Is6() {
		d.ResourceType = "reserved_ipv6"
	}
	switch op.Status {
	case fakecloud.Pending:
		d.Status = "in-progress"
		return d
	case fakecloud.Completed:
		d.Status = "completed"
	default:
		d.Status = "errored"
	}
	at := timestamp(op.Finished)
	d.CompletedAt = &at
	return d
}
