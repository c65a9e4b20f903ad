// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// document is what is used of /metadata/v1.json. The id has been a text.
type document struct {
	DropletID  json.Number `json:"droplet_id"`
	Hostname   string      `json:"hostname"`
	Region     string      `json:"region"`
	Interfaces *interfaces `json:"interfaces"`
}

type interfaces struct {
	Public  []nic `json:"public"`
	Private []nic `json:"private"`
}

// nic is one interface. An address the droplet does not have is absent.
type nic struct {
	MAC    string   `json:"mac"`
	IPv4   *address `json:"ipv4"`
	IPv6   *address `json:"ipv6"`
	Anchor *address `json:"anchor_ipv4"`
}

type address struct {
	IP string `json:"ip_address"`
}

// decode reads the document. Hostname may be missing, the anchor is on a droplet made from
// a custom image, and so may be interfaces of one kind; everything else has to be there. The
// reference shows a list around the document, which nobody was answered.
func decode(body []byte) (metadata.Identity, error) {
	var doc document
	if err := json.Unmarshal(body, &doc); err != nil {
		return metadata.Identity{}, fmt.Errorf("decode document: %w", err)
	}
	id, err := strconv.ParseInt(doc.DropletID.String(), 10, 64)
	switch {
	case err != nil || id <= 0:
		return metadata.Identity{}, errors.New("droplet_id: missing or not a positive number")
	case doc.Region == "":
		return metadata.Identity{}, errors.New("region: missing")
	case doc.Interfaces == nil || len(doc.Interfaces.Public)+len(doc.Interfaces.Private) == 0:
		return metadata.Identity{}, errors.New("interfaces: missing")
	}
	who := metadata.Identity{
		Target:   providers.Target{Instance: strconv.FormatInt(id, 10)},
		Hostname: doc.Hostname,
		Region:   doc.Region,
	}
	if err := addInterfaces(&who, "interfaces.public", true, doc.Interfaces.Public); err != nil {
		return metadata.Identity{}, err
	}
	if err := addInterfaces(&who, "interfaces.private", false, doc.Interfaces.Private); err != nil {
		return metadata.Identity{}, err
	}
	return who, nil
}

// addInterfaces adds the interfaces found under name, and the anchor if one of
// them has it.
func addInterfaces(id *metadata.Identity, name string, public bool, nics []nic) error {
	for i, n := range nics {
		at := fmt.Sprintf("%s[%d]", name, i)
		mac, err := net.ParseMAC(n.MAC)
		if err != nil {
			return fmt.Errorf("%s.mac: %q is not a hardware address", at, n.MAC)
		}
		out := metadata.Interface{MAC: strings.ToLower(mac.String()), Public: public}
		for _, a := range []struct {
			name  string
			value *address
		}{{"ipv4", n.IPv4}, {"ipv6", n.IPv6}} {
			if a.value == nil {
				continue
			}
			ip, err := parse(at+"."+a.name, a.value)
			if err != nil {
				return err
			}
			out.Addresses = append(out.Addresses, ip)
		}
		if n.Anchor != nil {
			if id.Anchor, err = parse(at+".anchor_ipv4", n.Anchor); err != nil {
				return err
			}
		}
		id.Interfaces = append(id.Interfaces, out)
	}
	return nil
}

// parse reads the address found under name.
func parse(name string, a *address) (netip.Addr, error) {
	ip, err := netip.ParseAddr(a.IP)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%s.ip_address: %q is not an IP address", name, a.IP)
	}
	return ip, nil
}
