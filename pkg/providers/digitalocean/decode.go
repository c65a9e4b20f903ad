// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// reservedIP is an address of either family as the API shows it.
type reservedIP struct {
	region  string // may be empty
	holder  *droplet
	unshown bool // v6 alone: there is no word of a droplet, which means nobody to who may see droplets
	locked  bool
}

// droplet is a machine as the API shows it.
type droplet struct {
	id               int64
	status           string // may be empty inside a reserved IP
	region           string // may be empty
	locked           bool
	features         []string // what is enabled on it; nil: not told
	private          []netip.Addr
	public4, public6 []netip.Addr // reserved ones too
}

// action is an accepted operation.
type action struct {
	ID     int64  `json:"id"`
	Status string `json:"status"`
	Type   string `json:"type"`
}

// reservedObject is an address of either family as it stands in an answer. "droplet" is
// null when nobody holds the address; only a v6 may leave it out then. "locked" may be
// missing, since v6 has none and without it the worst is a write that is refused as Busy.
// The provider page says of each member where its absence was seen.
type reservedObject struct {
	IP         *string         `json:"ip"`
	Droplet    json.RawMessage `json:"droplet"`
	Locked     bool            `json:"locked"`
	RegionSlug string          `json:"region_slug"`
	Region     struct {
		Slug string `json:"slug"`
	} `json:"region"`
}

// decodeReservedIP reads the answer to a question about ip. That about a v6 has been seen
// without the object around it.
func decodeReservedIP(body []byte, ip netip.Addr) (reservedIP, error) {
	var doc struct {
		V4 *reservedObject `json:"reserved_ip"`
		V6 *reservedObject `json:"reserved_ipv6"`
		reservedObject
	}
	if err := cloudhttp.Decode(body, &doc); err != nil {
		return reservedIP{}, err
	}
	name, got := "reserved_ip", doc.V4
	if ip.Is6() {
		if name, got = "reserved_ipv6", doc.V6; got == nil && doc.IP != nil {
			got = &doc.reservedObject
		}
	}
	switch {
	case got == nil:
		return reservedIP{}, missing(name)
	case got.IP == nil:
		return reservedIP{}, missing(name + ".ip")
	}
	if answered, err := netip.ParseAddr(*got.IP); err != nil || answered != ip {
		return reservedIP{}, fmt.Errorf("%s.ip: asked for %s, got %s", name, ip, cloudhttp.Quote(*got.IP))
	}
	return got.read(name, ip)
}

// read returns the address ip that stands in an answer under name.
func (o *reservedObject) read(name string, ip netip.Addr) (reservedIP, error) {
	r := reservedIP{region: cmp.Or(o.RegionSlug, o.Region.Slug), locked: o.Locked}
	switch {
	case o.Droplet == nil && ip.Is4():
		return reservedIP{}, fmt.Errorf("%w; a token needs the scope droplet:read to be shown one", missing(name+".droplet"))
	case o.Droplet == nil:
		r.unshown = true
		return r, nil
	case bytes.Equal(o.Droplet, []byte("null")):
		return r, nil
	}
	holder, err := decodeDropletObject(name+".droplet", o.Droplet)
	if err != nil {
		return reservedIP{}, err
	}
	r.holder = &holder
	return r, nil
}

// decodeDroplet reads the answer to a question about one droplet.
func decodeDroplet(body []byte, id int64) (droplet, error) {
	var doc struct {
		Droplet json.RawMessage `json:"droplet"`
	}
	if err := cloudhttp.Decode(body, &doc); err != nil {
		return droplet{}, err
	}
	if doc.Droplet == nil {
		return droplet{}, missing("droplet")
	}
	d, err := decodeDropletObject("droplet", doc.Droplet)
	switch {
	case err != nil:
		return droplet{}, err
	case d.id != id:
		return droplet{}, fmt.Errorf("droplet.id: asked for %d, got %d", id, d.id)
	case d.status == "":
		return droplet{}, missing("droplet.status")
	}
	return d, nil
}

// network is one entry of a droplet's networks. Its netmask is text in v4 and a
// number in v6, its gateway may be the word "nil": neither is looked at.
type network struct {
	IP   string `json:"ip_address"`
	Type string `json:"type"`
}

// decodeDropletObject reads a droplet found under name.
func decodeDropletObject(name string, data []byte) (droplet, error) {
	var got struct {
		ID       int64    `json:"id"`
		Status   string   `json:"status"`
		Locked   bool     `json:"locked"`
		Features []string `json:"features"`
		Region   struct {
			Slug string `json:"slug"`
		} `json:"region"`
		Networks struct {
			V4 []network `json:"v4"`
			V6 []network `json:"v6"`
		} `json:"networks"`
	}
	if err := cloudhttp.Decode(data, &got); err != nil {
		return droplet{}, fmt.Errorf("%s: %w", name, err)
	}
	if got.ID <= 0 {
		return droplet{}, fmt.Errorf("%s.id: missing or not a positive number", name)
	}
	d := droplet{id: got.ID, status: got.Status, region: got.Region.Slug, locked: got.Locked, features: got.Features}
	for _, n := range append(got.Networks.V4, got.Networks.V6...) {
		if n.IP == "" {
			continue // an interface without an address yet: no reason not to know the holder
		}
		ip, err := netip.ParseAddr(n.IP)
		switch {
		case err != nil:
			return droplet{}, fmt.Errorf("%s.networks: %s is not an IP address", name, cloudhttp.Quote(n.IP))
		case n.Type == "private":
			d.private = append(d.private, ip)
		case n.Type == "public" && ip.Is4():
			d.public4 = append(d.public4, ip)
		case n.Type == "public":
			d.public6 = append(d.public6, ip)
		}
	}
	return d, nil
}

// decodeDroplets reads a list of droplets, of which there has to be one.
func decodeDroplets(body []byte) error {
	var doc struct {
		Droplets []struct {
			ID int64 `json:"id"`
		} `json:"droplets"`
	}
	if err := cloudhttp.Decode(body, &doc); err != nil {
		return err
	}
	if len(doc.Droplets) == 0 || doc.Droplets[0].ID <= 0 {
		return missing("droplets")
	}
	return nil
}

// decodeAction reads an action.
func decodeAction(body []byte) (action, error) {
	var doc struct {
		Action *action `json:"action"`
	}
	err := cloudhttp.Decode(body, &doc)
	switch {
	case err != nil:
		return action{}, err
	case doc.Action == nil:
		return action{}, missing("action")
	case doc.Action.ID <= 0:
		return action{}, errors.New("action.id: missing or not a positive number")
	case doc.Action.Status == "":
		return action{}, missing("action.status")
	}
	return *doc.Action, nil
}

// decodePendingActions reads a list of actions and returns the types of those
// that are not over.
func decodePendingActions(body []byte) ([]string, error) {
	var doc struct {
		Actions *[]action `json:"actions"`
	}
	if err := cloudhttp.Decode(body, &doc); err != nil {
		return nil, err
	}
	if doc.Actions == nil {
		return nil, missing("actions")
	}
	var pending []string
	for _, a := range *doc.Actions {
		switch a.Status {
		case "in-progress", "new":
			pending = append(pending, cloudhttp.Clean(a.Type))
		}
	}
	return pending, nil
}

func missing(field string) error { return fmt.Errorf("%s: missing", field) }
