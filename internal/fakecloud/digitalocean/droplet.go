// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Facts that all droplets here share; clients decode them and do not care.
const (
	sizeSlug  = "s-1vcpu-1gb"
	vpcUUID   = "760e09ef-dc84-11e8-981e-3cfdfeaae000"
	createdAt = "2026-01-01T00:00:00Z"
)

// dropletDocument is a droplet ("Droplets" in the API reference).
type dropletDocument struct {
	ID               int64          `json:"id"`
	Name             string         `json:"name"`
	Memory           int            `json:"memory"`
	VCPUs            int            `json:"vcpus"`
	Disk             int            `json:"disk"`
	Locked           bool           `json:"locked"`
	Status           string         `json:"status"`
	Kernel           *struct{}      `json:"kernel"`
	CreatedAt        string         `json:"created_at"`
	Features         []string       `json:"features"`
	BackupIDs        []int          `json:"backup_ids"`
	NextBackupWindow *struct{}      `json:"next_backup_window"`
	SnapshotIDs      []int          `json:"snapshot_ids"`
	Image            imageDocument  `json:"image"`
	VolumeIDs        []string       `json:"volume_ids"`
	Size             sizeDocument   `json:"size"`
	SizeSlug         string         `json:"size_slug"`
	Networks         networks       `json:"networks"`
	Region           regionDocument `json:"region"`
	Tags             []string       `json:"tags"`
	VPCUUID          string         `json:"vpc_uuid"`
}

type (
	imageDocument struct {
		ID           int64    `json:"id"`
		Name         string   `json:"name"`
		Distribution string   `json:"distribution"`
		Slug         string   `json:"slug"`
		Public       bool     `json:"public"`
		Regions      []string `json:"regions"`
		CreatedAt    string   `json:"created_at"`
		MinDiskSize  int      `json:"min_disk_size"`
		Type         string   `json:"type"`
		SizeGiB      float64  `json:"size_gigabytes"`
		Status       string   `json:"status"`
	}
	sizeDocument struct {
		Slug         string   `json:"slug"`
		Memory       int      `json:"memory"`
		VCPUs        int      `json:"vcpus"`
		Disk         int      `json:"disk"`
		Transfer     float64  `json:"transfer"`
		PriceMonthly float64  `json:"price_monthly"`
		PriceHourly  float64  `json:"price_hourly"`
		Regions      []string `json:"regions"`
		Available    bool     `json:"available"`
		Description  string   `json:"description"`
	}
	networks struct {
		V4 []networkV4 `json:"v4"`
		V6 []networkV6 `json:"v6"`
	}
	networkV4 struct {
		IPAddress string `json:"ip_address"`
		Netmask   string `json:"netmask"`
		Gateway   string `json:"gateway"`
		Type      string `json:"type"`
	}
	networkV6 struct {
		IPAddress string `json:"ip_address"`
		Netmask   int    `json:"netmask"`
		Gateway   string `json:"gateway"`
		Type      string `json:"type"`
	}
)

func (a *api) droplet(r *request) reply {
	doc, ok := a.dropletDocument(r.args[0])
	if !ok {
		return notFound()
	}
	return reply{http.StatusOK, map[string]any{"droplet": doc}}
}

// droplets lists what there is, destroyed ones apart.
func (a *api) droplets(r *request) reply {
	docs := []dropletDocument{}
	for _, id := range a.view().Instances() {
		if doc, ok := a.dropletDocument(id); ok {
			docs = append(docs, doc)
		}
	}
	return paged(r, "droplets", docs)
}

// dropletActions lists the droplet's own events. Actions on reserved IPs keep a
// droplet busy too, but are not known to be listed here.
func (a *api) dropletActions(r *request) reply {
	v := a.view()
	i, err := v.Instance(r.args[0])
	if err != nil || i.State == providers.InstanceGone {
		return notFound()
	}
	docs := []actionDocument{}
	for _, op := range v.InstanceOperations(i.ID) {
		if op.Verb == fakecloud.Event {
			docs = append(docs, a.spelled(r, actionOf(op, i.Region)))
		}
	}
	return paged(r, "actions", docs)
}

// dropletDocument returns the document of a droplet, unless it is unknown or
// destroyed.
func (a *api) dropletDocument(id string) (dropletDocument, bool) {
	v := a.view()
	i, err := v.Instance(id)
	if err != nil || i.State == providers.InstanceGone {
		return dropletDocument{}, false
	}
	status := "active"
	if i.State == providers.InstanceStopped {
		status = "off"
	}
	return dropletDocument{
		ID: dropletID(i.ID), Name: i.Name, Memory: 1024, VCPUs: 1, Disk: 25,
		Locked: i.Pending, Status: status, CreatedAt: createdAt,
		Features:  featuresOf(i),
		BackupIDs: []int{}, SnapshotIDs: []int{}, VolumeIDs: []string{},
		Image: imageDocument{
			ID: 129211873, Name: "12 x64", Distribution: "Debian", Slug: "debian-12-x64", Public: true,
			Regions: []string{i.Region}, CreatedAt: createdAt, MinDiskSize: 7, Type: "base",
			SizeGiB: 0.6, Status: "available",
		},
		Size: sizeDocument{
			Slug: sizeSlug, Memory: 1024, VCPUs: 1, Disk: 25, Transfer: 1, PriceMonthly: 6,
			PriceHourly: 0.00893, Regions: []string{i.Region}, Available: true, Description: "Basic",
		},
		SizeSlug: sizeSlug, Networks: networksOf(i, v.Held(i.ID)), Region: region(i.Region),
		Tags: append([]string{}, i.Tags...), VPCUUID: vpcUUID,
	}, true
}

// featuresOf names what is enabled on a droplet. One that has an IPv6 address of its own
// has IPv6 enabled.
func featuresOf(i fakecloud.Instance) []string {
	features := []string{"private_networking"}
	if slices.ContainsFunc(i.Public, netip.Addr.Is6) {
		features = append(features, "ipv6")
	}
	return features
}

// reservedMask is what the service shows as the netmask of a reserved IPv6 (droplet_kit,
// spec/fixtures/reserved_ipv6/find.json).
const reservedMask = 0

// networksOf lists the private, the public and, last, the reserved addresses of both
// families.
func networksOf(i fakecloud.Instance, held []fakecloud.Address) networks {
	n := networks{V4: []networkV4{}, V6: []networkV6{}}
	add := func(ip netip.Addr, kind string) {
		switch {
		case ip.Is6():
			n.V6 = append(n.V6, networkV6{ip.String(), 64, gateway(ip, 64), kind})
		case kind == "private":
			n.V4 = append(n.V4, networkV4{ip.String(), "255.255.240.0", "nil", kind})
		default:
			n.V4 = append(n.V4, networkV4{ip.String(), "255.255.240.0", gateway(ip, 20), kind})
		}
	}
	for _, ip := range i.Private {
		add(ip, "private")
	}
	for _, ip := range i.Public {
		add(ip, "public")
	}
	for _, a := range held {
		if add(a.IP, "public"); a.IP.Is6() {
			n.V6[len(n.V6)-1].Netmask = reservedMask
		}
	}
	return n
}

// gateway returns the first address of ip's network.
func gateway(ip netip.Addr, bits int) string {
	return netip.PrefixFrom(ip, bits).Masked().Addr().Next().String()
}

// dropletID returns the number of a droplet; instances get decimal ids.
func dropletID(instance string) int64 {
	id, err := strconv.ParseInt(instance, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("fakedo: instance id %q is not a decimal droplet id", instance))
	}
	return id
}

// holder returns the "droplet" member of an address: the droplet, null, or
// nothing at all for a token that may not see droplets.
func (a *api) holder(r *request, t providers.Target) json.RawMessage {
	if !r.token.may(ScopeDropletRead) {
		return nil
	}
	doc, ok := a.dropletDocument(t.Instance)
	if !ok {
		return json.RawMessage("null")
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("encode droplet %s: %v", t.Instance, err)) // our documents always encode
	}
	return raw
}
