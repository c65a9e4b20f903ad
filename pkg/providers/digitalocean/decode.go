// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// reservedIP is an address of either family as the API shows it.
type reservedIP struct {
	region string // may be empty
	holder *droplet
	locked bool
}

// droplet is a machine as the API shows it.
type droplet struct {
	id               int64
	status           string // may be empty inside a reserved IP
	region           string // may be empty
	locked           bool
	private          []netip.Addr
	public4, public6 []netip.Addr
}

// action is an accepted operation.
type action struct {
	ID     int64  `json:"id"`
	Status string `json:"status"`
	Type   string `json:"type"`
}

// reservedObject is an address of either family as it stands in an answer. The key
// "droplet" has to be there: null means that nobody holds the address, and nothing
// else does. "locked" may be missing, since v6 has none and without it the worst is
// a write that is refused as Busy.
type reservedObject struct {
	IP         *string         `json:"ip"`
	Droplet    json.RawMessage `json:"droplet"`
	Locked     bool            `json:"locked"`
	RegionSlug string          `json:"region_slug"`
	Region     struct {
		Slug string `json:"slug"`
	} `json:"region"`
}

// decodeReservedIP reads the answer to a question about ip.
func decodeReservedIP(body []byte, ip netip.Addr) (reservedIP, error) {
	var doc struct {
		V4 *reservedObject `json:"reserved_ip"`
		V6 *reservedObject `json:"reserved_ipv6"`
	}
	if err := decode(body, &doc); err != nil {
		return reservedIP{}, err
	}
	name, got := "reserved_ip", doc.V4
	if ip.Is6() {
		name, got = "reserved_ipv6", doc.V6
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
	return got.read(name)
}

// read returns the address that stands in an answer under name.
func (o *reservedObject) read(name string) (reservedIP, error) {
	if o.Droplet == nil {
		return reservedIP{}, missing(name + ".droplet")
	}
	r := reservedIP{region: o.Region.Slug + o.RegionSlug, locked: o.Locked}
	if bytes.Equal(o.Droplet, []byte("null")) {
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
	if err := decode(body, &doc); err != nil {
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
		ID     int64  `json:"id"`
		Status string `json:"status"`
		Locked bool   `json:"locked"`
		Region struct {
			Slug string `json:"slug"`
		} `json:"region"`
		Networks struct {
			V4 []network `json:"v4"`
			V6 []network `json:"v6"`
		} `json:"networks"`
	}
	if err := decode(data, &got); err != nil {
		return droplet{}, fmt.Errorf("%s: %w", name, err)
	}
	if got.ID <= 0 {
		return droplet{}, fmt.Errorf("%s.id: missing or not a positive number", name)
	}
	d := droplet{id: got.ID, status: got.Status, region: got.Region.Slug, locked: got.Locked}
	for _, n := range append(got.Networks.V4, got.Networks.V6...) {
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

// decodeAction reads an action.
func decodeAction(body []byte) (action, error) {
	var doc struct {
		Action *action `json:"action"`
	}
	err := decode(body, &doc)
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
	if err := decode(body, &doc); err != nil {
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

// decode reads one JSON document and nothing after it; unknown fields pass.
func decode(data []byte, into any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("the answer is empty")
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

func missing(field string) error { return fmt.Errorf("%s: missing", field) }
