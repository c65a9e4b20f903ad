// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/pkg/providers"
)

// rolePath is where a machine's role credentials are, as seen once on a real machine;
// it is not documented, and no directory lists it here.
const rolePath = "iam/instance-role-security-credentials"

// Metadata is the metadata service of one machine, an http.Handler. Inject makes it
// unavailable: refusing, erring or hanging. Its calls are not in the journal, which is
// about the API.
type Metadata struct{ *face.Server }

// MetadataHandler returns the metadata service of the machine, the same one each time
// it is asked for.
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

// SetRole gives the machine a role whose credentials its metadata hands out; nil takes
// it away. What is handed out is valid only once it is added by AddCredential.
func (s *Server) SetRole(instanceID string, c *Credential) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.roles[instanceID] = c
}

// tree answers the calls of one machine; it is the face.Vendor.
type tree struct {
	api *api
	id  string
}

// Node is empty: the service knows no callers.
func (*tree) Node(*face.Call) string { return "" }

// Fail answers with the status alone.
func (*tree) Fail(_ *face.Call, status int, _ time.Duration) face.Answer {
	return plain(status, http.StatusText(status)+"\n")
}

// Serve answers below /metadata/latest and its other name: a path with a slash at the
// end with the names in a directory, as a JSON array, and any other with a value.
func (t *tree) Serve(c *face.Call) face.Answer {
	t.api.mu.Lock()
	defer t.api.mu.Unlock()
	path, ok := strings.CutPrefix(c.Path, "/metadata/latest/")
	if !ok {
		path, ok = strings.CutPrefix(c.Path, "/jcs-metadata/latest/")
	}
	m, now := t.api.world.machine(t.id), t.api.model.View(0)
	switch {
	case c.Method != http.MethodGet:
		return t.Fail(c, http.StatusMethodNotAllowed, 0)
	case !ok || m == nil || gone(now, t.id):
		return t.Fail(c, http.StatusNotFound, 0)
	case path == rolePath:
		return plain(http.StatusOK, t.role())
	}
	all := t.leaves(m)
	if path == "" || strings.HasSuffix(path, "/") {
		if names := directory(all, path); len(names) > 0 {
			return plain(http.StatusOK, jsonText(names))
		}
		return t.Fail(c, http.StatusNotFound, 0)
	}
	for _, l := range all {
		if l.path != path {
			continue
		}
		if t.api.options.QuotedMetadata && !strings.HasPrefix(l.value, "[") {
			l.value = `"` + l.value + `"`
		}
		return plain(http.StatusOK, l.value)
	}
	return t.Fail(c, http.StatusNotFound, 0)
}

func plain(status int, body string) face.Answer {
	h := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	return face.Answer{Status: status, Header: h, Body: []byte(body)}
}

func jsonText(v any) string {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode metadata: %v", err)) // our documents always encode
	}
	return string(body)
}

// role is the document of the role's credentials; without a role it says "fail".
func (t *tree) role() string {
	doc := map[string]string{"Code": "fail", "accessKey": "", "secretKey": "", "sessionToken": ""}
	if c := t.api.roles[t.id]; c != nil {
		doc = map[string]string{
			"Code": "success", "accessKey": c.AccessKey, "secretKey": c.SecretKey, "sessionToken": c.Token,
		}
	}
	if t.api.options.RoleCredentialsArray {
		return jsonText([]any{doc})
	}
	return jsonText(doc)
}

// leaf is a value and where it is.
type leaf struct{ path, value string }

// directory returns the names of what is directly below a path, directories with a
// slash.
func directory(all []leaf, path string) (names []string) {
	for _, l := range all {
		rest, below := strings.CutPrefix(l.path, path)
		name, _, dir := strings.Cut(rest, "/")
		if dir {
			name += "/"
		}
		if below && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// leaves returns the values of a machine, in the order in which directories list
// them: the machine as it is now, with the EIPs of a moment ago.
func (t *tree) leaves(m *Machine) []leaf {
	lagged := t.api.model.View(t.api.options.MetadataLag)
	all := []leaf{
		{"attributes/hostname", m.Name},
		{"attributes/ssh-keys", ""},
	}
	for _, n := range t.api.world.interfaces {
		if n.Instance == m.ID {
			all = append(all, t.network(lagged, n)...)
		}
	}
	return append(all,
		leaf{"placement/region", m.Region},
		leaf{"placement/availability-zone", m.AZ},
		leaf{"image/image-id", "img-0fipctl0aa"},
		leaf{"image/os-type", "linux"},
		leaf{"description", ""},
		leaf{"instance-name", m.Name},
		leaf{"instance-type", "g.n3.medium"},
		leaf{"instance-id", m.ID},
		leaf{"pin", "example"},
	)
}

// network returns the values of one interface. There is no floating-ipv4 without an
// EIP.
func (t *tree) network(v fakecloud.View, n *Interface) []leaf {
	dir := fmt.Sprintf("network/%d/", n.deviceIndex)
	all := []leaf{{dir + "local-ipv4", text(n.PrimaryIP)}}
	for _, e := range t.api.world.eips {
		if holder(v, e.IP) == (providers.Target{Instance: n.Instance, Interface: n.ID, PrivateIP: n.PrimaryIP}) {
			all = append(all, leaf{dir + "floating-ipv4", e.IP.String()})
		}
	}
	return append(all,
		leaf{dir + "mac", n.MAC},
		leaf{dir + "network-interface-id", n.ID},
		leaf{dir + "subnet-id", n.Subnet},
		leaf{dir + "security-group-ids", jsonText([]string{securityGroup})},
	)
}
