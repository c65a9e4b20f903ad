// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// Metadata is the metadata service of one droplet, an http.Handler. Inject makes
// it unavailable: refusing, erring or hanging. Its calls are not in the journal,
// which is about the API.
type Metadata struct{ *face.Server }

// MetadataHandler returns the metadata service of the droplet, the same one each
// time it is asked for.
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

// tree answers the calls of one droplet; it is the face.Vendor.
type tree struct {
	api *api
	id  string
}

// Node is empty: the service knows no callers.
func (*tree) Node(*face.Call) string { return "" }

// Fail answers with the status alone.
func (*tree) Fail(_ *face.Call, status int, _ time.Duration) face.Answer {
	return text(status, http.StatusText(status)+"\n")
}

// Serve answers /metadata/v1.json and the tree of plain texts below /metadata/v1.
func (t *tree) Serve(c *face.Call) face.Answer {
	now := t.api.model.View(0)
	i, err := now.Instance(t.id)
	switch {
	case c.Method != http.MethodGet:
		return t.Fail(c, http.StatusMethodNotAllowed, 0)
	case err != nil:
		return t.Fail(c, http.StatusNotFound, 0)
	}
	doc := t.document(i)
	if c.Path == "/metadata/v1.json" {
		body, err := json.Marshal(doc)
		if err != nil {
			panic(fmt.Sprintf("encode the metadata of %s: %v", t.id, err)) // our documents always encode
		}
		a := text(http.StatusOK, string(body))
		a.Header.Set("Content-Type", "application/json")
		return a
	}
	path, ok := strings.CutPrefix(strings.TrimSuffix(c.Path, "/"), "/metadata/v1")
	if ok && (path == "" || path[0] == '/') {
		if body, found := lookUp(leaves(doc), strings.TrimPrefix(path, "/")); found {
			return text(http.StatusOK, body)
		}
	}
	return t.Fail(c, http.StatusNotFound, 0)
}

func text(status int, body string) face.Answer {
	h := http.Header{}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	return face.Answer{Status: status, Header: h, Body: []byte(body)}
}

// document describes the droplet now, with the reserved IPs of a moment ago.
func (t *tree) document(i fakecloud.Instance) *metadataDocument {
	d := &metadataDocument{
		DropletID: dropletID(i.ID), Hostname: i.Name, PublicKeys: []string{}, Region: i.Region,
		Tags: append([]string{}, i.Tags...), Features: metadataFeatures{},
	}
	d.DNS.Nameservers = []string{"67.207.67.2", "67.207.67.3"}
	public := metadataInterface{MAC: mac(i.ID, "public"), Type: "public", AnchorIPv4: t.anchor()}
	public.addAll(i.Public)
	private := metadataInterface{MAC: mac(i.ID, "private"), Type: "private"}
	private.addAll(i.Private)
	d.Interfaces.Public, d.Interfaces.Private = []metadataInterface{public}, []metadataInterface{private}
	for _, a := range t.api.model.View(t.api.get(&t.api.metadataLag)).Held(i.ID) {
		r := metadataReserved{IPAddress: a.IP.String(), Active: true}
		if a.IP.Is4() {
			d.ReservedIP.IPv4, d.FloatingIP.IPv4 = r, r
		} else {
			d.ReservedIP.IPv6 = r
		}
	}
	return d
}

// anchor returns the droplet's anchor, configured or made from its id.
func (t *tree) anchor() *metadataIPv4 {
	ip, given := t.api.options.Anchors[t.id]
	if !given {
		h := hash(t.id)
		ip = netip.AddrFrom4([4]byte{10, 10, byte(1 + h%250), byte(2 + h>>8%250)})
	}
	if !ip.IsValid() {
		return nil
	}
	return &metadataIPv4{ip.String(), "255.255.0.0", gateway(ip, 16)}
}

func mac(id, kind string) string {
	h := hash(id + "/" + kind)
	return fmt.Sprintf("04:01:%02x:%02x:%02x:%02x", byte(h), byte(h>>8), byte(h>>16), byte(h>>24))
}

// leaf is a file of the tree. One shown as a directory lists lines that are no
// files themselves.
type leaf struct {
	path, value string
	shownAsDir  bool
}

// lookUp returns the text at path: a value, or the listing of a directory.
func lookUp(all []leaf, path string) (string, bool) {
	var names []string
	seen := map[string]bool{}
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
		if dir || l.shownAsDir {
			name += "/"
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return strings.Join(names, "\n"), len(names) > 0
}

// leaves returns the files in the order in which directories list them.
func leaves(d *metadataDocument) []leaf {
	all := []leaf{
		{path: "id", value: strconv.FormatInt(d.DropletID, 10)},
		{path: "hostname", value: d.Hostname},
		{path: "user-data", value: d.UserData},
		{path: "vendor-data", value: d.VendorData},
		{path: "public-keys", value: strings.Join(d.PublicKeys, "\n")},
		{path: "region", value: d.Region},
	}
	for _, i := range append(d.Interfaces.Public, d.Interfaces.Private...) {
		all = append(all, i.leaves("interfaces/"+i.Type+"/0/")...)
	}
	all = append(all, leaf{path: "dns/nameservers", value: strings.Join(d.DNS.Nameservers, "\n")})
	all = append(all, d.FloatingIP.IPv4.leaves("floating_ip/ipv4/")...)
	all = append(all, d.ReservedIP.IPv4.leaves("reserved_ip/ipv4/")...)
	all = append(all, d.ReservedIP.IPv6.leaves("reserved_ip/ipv6/")...)
	return append(all,
		leaf{path: "tags", value: strings.Join(d.Tags, "\n"), shownAsDir: true},
		leaf{path: "features/dhcp_enabled", value: strconv.FormatBool(d.Features.DHCPEnabled)},
		leaf{path: "features/vpc_peering_enabled", value: strconv.FormatBool(d.Features.VPCPeeringEnabled)},
	)
}
