// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// Metadata is the metadata service of one machine, an http.Handler. Inject makes it
// unavailable: refusing, erring or hanging. Its calls are not in the journal, which
// is about the API.
type Metadata struct{ *face.Server }

// MetadataHandler returns the metadata service of the machine, the same one each time
// it is asked for. It serves what metadata.tencentyun.com, 169.254.0.23 and
// 169.254.169.254 do: texts below /latest/meta-data, of which none names an interface
// by its id.
func (s *Server) MetadataHandler(instanceID string) *Metadata {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	md := s.api.metadata[instanceID]
	if md == nil {
		md = &Metadata{face.New(face.Options{Vendor: &tree{s.api, instanceID}, Shape: s.api.options.Shape, Sparings: metadataSparings})}
		s.api.metadata[instanceID] = md
	}
	return md
}

// tree answers the calls of one machine; it is the face.Vendor.
type tree struct {
	api *api
	id  string
}

// Node is empty: the service knows no callers.
func (*tree) Node(*face.Call) string { return "" }

// Fail answers with a page of that status.
func (*tree) Fail(_ *face.Call, status int, _ time.Duration) face.Answer { return page(status) }

// Serve answers a path of the tree; one without a version is that of 1.0.
func (t *tree) Serve(c *face.Call) face.Answer {
	m, ok := t.api.machine(t.api.model.View(0), t.id)
	path := strings.TrimPrefix(c.Path, "/")
	for _, version := range []string{"latest/", "1.0/", "2017-09-19/"} {
		path = strings.TrimPrefix(path, version)
	}
	path, below := strings.CutPrefix(strings.TrimSuffix(path, "/"), "meta-data")
	switch {
	case c.Method != http.MethodGet:
		return page(http.StatusMethodNotAllowed)
	case !ok || !below || path != "" && path[0] != '/':
		return page(http.StatusNotFound)
	}
	path = strings.TrimPrefix(path, "/")
	if body, ok := t.api.roleText(m, path); ok {
		return text(body)
	}
	v := t.api.model.View(t.api.settings().MetadataLag)
	if body, found := lookUp(t.leaves(v, m), path); found {
		return text(body)
	}
	return page(http.StatusNotFound)
}

func text(body string) face.Answer {
	h := http.Header{}
	h.Set("Content-Type", "text/plain")
	return face.Answer{Status: http.StatusOK, Header: h, Body: []byte(body)}
}

// leaf is a file of the tree.
type leaf struct{ path, value string }

// lookUp returns the text at path: a value, or the lines of a directory, of which
// those for directories end with a slash.
func lookUp(all []leaf, path string) (string, bool) {
	var names []string
	prefix := path + "/"
	if path == "" {
		prefix = ""
	}
	for _, l := range all {
		if l.path == path {
			return l.value, true
		}
		rest, below := strings.CutPrefix(l.path, prefix)
		if !below {
			continue
		}
		name, _, dir := strings.Cut(rest, "/")
		if dir {
			name += "/"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, "\n"), len(names) > 0
}

// leaves returns the files in the order in which directories list them.
func (t *tree) leaves(v fakecloud.View, m Machine) []leaf {
	a := t.api
	all := []leaf{
		{"instance-id", m.ID},
		{"instance-name", m.Name},
		{"uuid", uuid(m.ID)},
		{"placement/region", m.Region},
		{"placement/zone", m.Zone},
		{"local-ipv4", m.Private[0].String()},
	}
	var interfaces []leaf
	for _, e := range a.interfaces(v, m.Region) {
		if e.Instance != m.ID {
			continue
		}
		if e.primary {
			all = append(all, leaf{"mac", e.MAC})
			if public := a.publicOf(v, m, e.IP); public != "" {
				all = append(all, leaf{"public-ipv4", public})
			}
		}
		interfaces = append(interfaces, a.interfaceLeaves(v, m, e)...)
	}
	return append(all, interfaces...)
}

// publicOf returns the public address that belongs to a private one; empty: none.
func (a *api) publicOf(v fakecloud.View, m Machine, ip netip.Addr) string {
	for _, e := range a.eips(func(EIP) bool { return true }) {
		st := stateOf(v, e)
		if st.status == bound && st.holder.Instance == m.ID && st.holder.PrivateIP == ip {
			return e.IP.String()
		}
	}
	if ip == m.Private[0] && len(m.Public) > 0 {
		return m.Public[0].String()
	}
	return ""
}

func (a *api) interfaceLeaves(v fakecloud.View, m Machine, e ENI) []leaf {
	n, _ := get(a, a.things.subnets, e.Subnet)
	dir := "network/interfaces/macs/" + e.MAC + "/"
	all := []leaf{
		{dir + "mac", e.MAC},
		{dir + "primary-local-ipv4", e.IP.String()},
		{dir + "vpc-id", n.VPC},
		{dir + "subnet-id", n.ID},
	}
	for _, ip := range a.ipDocuments(v, e, n.Region) {
		addr := netip.MustParseAddr(ip.PrivateIpAddress) // our own spelling
		one := dir + "local-ipv4s/" + ip.PrivateIpAddress + "/"
		all = append(all,
			leaf{one + "gateway", n.Range.Masked().Addr().Next().String()},
			leaf{one + "local-ipv4", ip.PrivateIpAddress},
			leaf{one + "subnet-mask", mask(n.Range)},
		)
		if public := a.publicOf(v, m, addr); public != "" {
			all = append(all, leaf{one + "public-ipv4", public}, leaf{one + "public-ipv4-mode", "NAT"},
				leaf{dir + "public-ipv4s/" + public, public})
		}
	}
	return all
}

// mask spells the length of a prefix as IPv4 does.
func mask(p netip.Prefix) string {
	ones := ^uint32(0) << (32 - p.Bits())
	return netip.AddrFrom4([4]byte{byte(ones >> 24), byte(ones >> 16), byte(ones >> 8), byte(ones)}).String()
}
