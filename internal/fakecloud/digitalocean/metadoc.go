// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"net/netip"
	"strconv"
)

// metadataDocument is /metadata/v1.json ("Droplet Metadata API").
type metadataDocument struct {
	DropletID  int64    `json:"droplet_id"`
	Hostname   string   `json:"hostname"`
	UserData   string   `json:"user_data"`
	VendorData string   `json:"vendor_data"`
	PublicKeys []string `json:"public_keys"`
	Region     string   `json:"region"`
	Tags       []string `json:"tags"`
	DNS        struct {
		Nameservers []string `json:"nameservers"`
	} `json:"dns"`
	Interfaces struct {
		Public  []metadataInterface `json:"public"`
		Private []metadataInterface `json:"private"`
	} `json:"interfaces"`
	FloatingIP struct {
		IPv4 metadataReserved `json:"ipv4"`
	} `json:"floating_ip"`
	ReservedIP struct {
		IPv4 metadataReserved `json:"ipv4"`
		IPv6 metadataReserved `json:"ipv6"`
	} `json:"reserved_ip"`
	Features metadataFeatures `json:"features"`
}

type metadataFeatures struct {
	DHCPEnabled       bool `json:"dhcp_enabled"`
	VPCPeeringEnabled bool `json:"vpc_peering_enabled"`
}

type metadataInterface struct {
	MAC        string        `json:"mac"`
	Type       string        `json:"type"`
	IPv4       *metadataIPv4 `json:"ipv4,omitempty"`
	IPv6       *metadataIPv6 `json:"ipv6,omitempty"`
	AnchorIPv4 *metadataIPv4 `json:"anchor_ipv4,omitempty"`
}

type metadataIPv4 struct {
	IPAddress string `json:"ip_address"`
	Netmask   string `json:"netmask"`
	Gateway   string `json:"gateway"`
}

type metadataIPv6 struct {
	IPAddress string `json:"ip_address"`
	CIDR      int    `json:"cidr"`
	Gateway   string `json:"gateway"`
}

// metadataReserved is a reserved IP as its droplet sees it. Without one the
// address is left out.
type metadataReserved struct {
	IPAddress string `json:"ip_address,omitempty"`
	Active    bool   `json:"active"`
}

// addAll gives the interface the first address of each family.
func (i *metadataInterface) addAll(ips []netip.Addr) {
	for _, ip := range ips {
		switch {
		case ip.Is4() && i.IPv4 == nil:
			i.IPv4 = &metadataIPv4{ip.String(), "255.255.240.0", gateway(ip, 20)}
		case ip.Is6() && i.IPv6 == nil:
			i.IPv6 = &metadataIPv6{ip.String(), 64, gateway(ip, 64)}
		}
	}
}

func (i *metadataInterface) leaves(dir string) []leaf {
	all := []leaf{{path: dir + "mac", value: i.MAC}, {path: dir + "type", value: i.Type}}
	all = append(all, i.IPv4.leaves(dir+"ipv4/")...)
	if v6 := i.IPv6; v6 != nil {
		all = append(all,
			leaf{path: dir + "ipv6/address", value: v6.IPAddress},
			leaf{path: dir + "ipv6/cidr", value: strconv.Itoa(v6.CIDR)},
			leaf{path: dir + "ipv6/gateway", value: v6.Gateway})
	}
	return append(all, i.AnchorIPv4.leaves(dir+"anchor_ipv4/")...)
}

func (v4 *metadataIPv4) leaves(dir string) []leaf {
	if v4 == nil {
		return nil
	}
	return []leaf{
		{path: dir + "address", value: v4.IPAddress},
		{path: dir + "netmask", value: v4.Netmask},
		{path: dir + "gateway", value: v4.Gateway},
	}
}

func (r metadataReserved) leaves(dir string) []leaf {
	active := leaf{path: dir + "active", value: strconv.FormatBool(r.Active)}
	if !r.Active {
		return []leaf{active}
	}
	return []leaf{{path: dir + "ip_address", value: r.IPAddress}, active}
}
