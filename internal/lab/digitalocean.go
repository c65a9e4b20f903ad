// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/pkg/providers"
)

// What the fake DigitalOcean holds.
const (
	doRegion       = "nyc3"
	doFirstDroplet = 1001
	doStranger     = "2001"
	// doActions and doActions6 are the calls that move an address.
	doActions  = "/v2/reserved_ips/*/actions"
	doActions6 = "/v2/reserved_ipv6/*/actions"
)

// doCalls are the calls of its API by what they are for.
var doCalls = []callName{
	{"/v2/reserved_ip", "/actions/", callOperation}, {"/v2/actions/", "", callOperation},
	{"/v2/reserved_ip", "", callOwner}, {"/v2/droplets/", "", callMachine},
}

// doReadScopes is what a token may do that may not move an address.
var doReadScopes = []string{fakedo.ScopeReservedIPRead, fakedo.ScopeDropletRead, fakedo.ScopeActionsRead, fakedo.ScopeAccountRead}

// digitalOceanOffers are the two families of its one kind, which the API serves by calls of
// their own.
func digitalOceanOffers() []offer {
	four := offer{
		provider: "digitalocean", kind: "reserved-ip", brand: "DigitalOcean", address: "floating IP", machine: "droplet",
		tables: 1, takes: moveTakes, machineID: dropletOf, countsCalls: true,
	}
	six := four
	six.kind, six.address, six.six = "reserved-ipv6", "floating IPv6", true
	return openedBy([]offer{four, six}, openDigitalOcean)
}

// digitalOcean is the vendor of reserved IPs.
type digitalOcean struct {
	offer  offer
	at     layout
	server *fakedo.Server
}

func openDigitalOcean(of offer, m *fakecloud.Model, at layout, so clusterOptions) (vendor, error) {
	v := &digitalOcean{offer: of, at: at}
	o := fakedo.Options{OperationDelay: moveTakes, Latency: so.latency, Shape: so.answers, Anchors: map[string]netip.Addr{}}
	for i, name := range nodeNames[:so.nodes] {
		token := fakedo.Token{Value: doToken(name), Node: name}
		if slices.Contains(so.readOnly, i) {
			token.Scopes = doReadScopes
		}
		o.Tokens = append(o.Tokens, token)
		o.Anchors[dropletOf(i)] = at.node(i)
		instance := fakecloud.Instance{ID: dropletOf(i), Name: name, Region: doRegion, Private: privateOf(at, i, so.nodes), Public: v.public(i)}
		if err := m.AddInstance(instance); err != nil {
			return nil, err
		}
	}
	if err := m.AddInstance(fakecloud.Instance{ID: doStranger, Name: "somebody-else", Region: doRegion}); err != nil {
		return nil, err
	}
	address := fakecloud.Address{IP: at.floatingIP(), Region: doRegion, Holder: holderOf(v, so.holder)}
	if err := m.AddAddress(address); err != nil {
		return nil, err
	}
	v.server = fakedo.New(m, o)
	return v, nil
}

// public returns the addresses of node i's own that are enabled, as a reserved IPv6 needs.
func (v *digitalOcean) public(i int) []netip.Addr {
	if !v.offer.six {
		return nil
	}
	return []netip.Addr{after(doFirstIPv6, i)}
}

// doFirstIPv6 is the IPv6 address of node 0's own.
var doFirstIPv6 = netip.MustParseAddr("2001:db8:1::1")

func (v *digitalOcean) api() *face.Server           { return v.server.Server }
func (v *digitalOcean) metadata(i int) http.Handler { return v.server.MetadataHandler(dropletOf(i)) }
func (v *digitalOcean) slots() []fakecloud.Slot     { return []fakecloud.Slot{{IP: v.at.floatingIP()}} }
func (v *digitalOcean) target(i int) providers.Target {
	return providers.Target{Instance: dropletOf(i)}
}
func (v *digitalOcean) stranger() providers.Target { return providers.Target{Instance: doStranger} }
func (v *digitalOcean) announce(int) bool          { return false }
func (v *digitalOcean) identity(int) string        { return "" }
func (v *digitalOcean) binding() face.Match {
	if v.offer.six {
		return face.Match{Method: http.MethodPost, Path: doActions6}
	}
	return face.Match{Method: http.MethodPost, Path: doActions}
}
func (v *digitalOcean) permission() string            { return fakedo.ScopeReservedIPUpdate }
func (v *digitalOcean) spend(node string, spared int) { v.server.SpendAllBut(doToken(node), spared) }

func (v *digitalOcean) calls() []callName           { return doCalls }
func (v *digitalOcean) secretOf(node string) string { return doToken(node) + "\n" }

func (v *digitalOcean) address() fileAddress {
	return fileAddress{Provider: "digitalocean", Kind: v.offer.configured(), IP: v.at.floatingIP().String()}
}

func (v *digitalOcean) block(i int, secret string) fileProvider {
	return fileProvider{TokenFile: secret, Endpoint: v.at.apiURL(), MetadataEndpoint: v.at.metadataURL(i)}
}

// serviceURL goes by the anchor IP, which is where the cloud delivers to.
func (v *digitalOcean) serviceURL(i int) string {
	return fmt.Sprintf("http://{anchor}:%d/healthz", v.at.nodeWeb(i).Port())
}

func dropletOf(i int) string { return fmt.Sprint(doFirstDroplet + i) }

// doToken is the API token of a node. It looks like a real one and opens nothing.
func doToken(node string) string { return "dop_v1_lab_" + node }
