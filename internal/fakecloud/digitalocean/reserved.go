// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"net/http"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

func (a *api) account(*request) reply {
	return reply{http.StatusOK, map[string]any{"account": map[string]any{
		"droplet_limit": 25, "floating_ip_limit": 3, "reserved_ip_limit": 3, "volume_limit": 10,
		"name": "Example", "email": "ops@example.com", "email_verified": true,
		"uuid":   "b6fr89dbf6d9156cace5f3c78dc9851d957381ef",
		"status": "active", "status_message": "",
		"team": map[string]string{"name": "Example", "uuid": "5df3e3004a17e242b7c20ca6c9fc25b701a47ece"},
	}}}
}

func (a *api) getIPv4(r *request) reply { return a.getAddress(r, false, "reserved_ip") }

func (a *api) getIPv6(r *request) reply { return a.getAddress(r, true, "reserved_ipv6") }

func (a *api) getAddress(r *request, v6 bool, key string) reply {
	ip, ok := r.ip(v6)
	if !ok {
		return notFound()
	}
	addr, err := a.view().Address(ip)
	if err != nil {
		return notFound()
	}
	return reply{http.StatusOK, map[string]any{key: a.addressDocument(r, addr)}}
}

func (a *api) listIPv4(r *request) reply { return a.listAddresses(r, false, "reserved_ips") }

func (a *api) listIPv6(r *request) reply { return a.listAddresses(r, true, "reserved_ipv6s") }

func (a *api) listAddresses(r *request, v6 bool, key string) reply {
	docs := []any{}
	for _, addr := range a.view().Addresses() {
		if addr.IP.Is6() == v6 {
			docs = append(docs, a.addressDocument(r, addr))
		}
	}
	return paged(r, key, docs)
}

// addressDocument returns the document of the address's family. That of an IPv6
// has no region object, no lock and no project.
func (a *api) addressDocument(r *request, addr fakecloud.Address) any {
	if addr.IP.Is6() {
		return ipv6Document{
			IP: addr.IP.String(), RegionSlug: addr.Region, ReservedAt: createdAt,
			Droplet: a.holder(r, addr.Holder),
		}
	}
	doc := ipv4Document{
		IP: addr.IP.String(), Region: region(addr.Region), Droplet: a.holder(r, addr.Holder),
		Locked: addr.Pending != 0,
	}
	if r.token.may(ScopeProjectRead) {
		doc.ProjectID = projectID
	}
	return doc
}
