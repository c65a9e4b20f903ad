// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// What the fake JD Cloud holds.
const (
	jdEIP      = "fip-fipctllab1"
	jdSubnet   = "subnet-fipctllab1"
	jdTable    = "rtb-fipctllab1"
	jdStranger = "i-somebody01"
)

// jdReads are the calls of an access key that may not move an address.
var jdReads = []string{
	"describeInstance", "describeElasticIp", "describeElasticIps", "describeNetworkInterface", "describeNetworkInterfaces",
	"describeSubnet", "describeRouteTable", "describeVpc", "describeAg",
}

// jdCalls are the calls of its API by what they are for. Operations have none.
var jdCalls = []callName{
	{"describeElasticIp", "", callOwner}, {"describeRouteTable", "", callOwner}, {"describeNetworkInterfaces", "", callOwner},
	{"describeInstance", "", callMachine},
}

// jdBinding is the call that makes a machine the holder, by kind.
var jdBinding = map[string]string{
	providers.KindEIP:       "associateElasticIp",
	providers.KindPrivateIP: "assignSecondaryIps",
	providers.KindRoute:     "modifyRouteTableRules",
}

// jdCloudOffers are the kinds of JD Cloud. Only an EIP takes a while to change there.
func jdCloudOffers() []offer {
	base := offer{provider: "jdcloud", brand: "JD Cloud", machine: "instance", tables: 1, machineID: jdMachine}
	eip, private, route := base, base, base
	eip.kind, eip.address, eip.takes = providers.KindEIP, "EIP", 2*moveTakes
	private.kind, private.address = providers.KindPrivateIP, "secondary private IP"
	route.kind, route.address, route.alwaysHeld = providers.KindRoute, "address in a route table", true
	return openedBy([]offer{eip, private, route}, openJDCloud)
}

// jdCloud is the vendor of one kind.
type jdCloud struct {
	offer  offer
	at     layout
	server *fakejd.Server
}

func openJDCloud(o offer, m *fakecloud.Model, at layout, so clusterOptions) (vendor, error) {
	v := &jdCloud{offer: o, at: at}
	options := fakejd.Options{ProcessingDelay: moveTakes, Latency: so.latency, Shape: so.answers}
	for i, name := range nodeNames[:so.nodes] {
		c := fakejd.Credential{AccessKey: keyID(name), SecretKey: keySecret(name), Node: name}
		if slices.Contains(so.readOnly, i) {
			c.Operations = jdReads
		}
		options.Credentials = append(options.Credentials, c)
	}
	v.server = fakejd.New(m, options)
	for i, name := range nodeNames[:so.nodes] {
		if err := v.addMachine(jdMachine(i), name, at.node(i)); err != nil {
			return nil, err
		}
	}
	if err := v.addMachine(jdStranger, "somebody-else", at.node(nodesMax)); err != nil {
		return nil, err
	}
	return v, v.addAddress(holderOf(v, so.holder))
}

// addMachine adds a machine in a subnet that has the address only where it belongs to
// one.
func (v *jdCloud) addMachine(id, name string, at netip.Addr) error {
	return v.server.AddMachine(fakejd.Machine{
		Instance: fakecloud.Instance{ID: id, Name: name, Private: []netip.Addr{at}},
		Subnet:   jdSubnet, Range: v.at.subnetOf(v.offer.kind),
	})
}

func (v *jdCloud) addAddress(holder providers.Target) error {
	ip := v.at.floatingIP()
	switch v.offer.kind {
	case providers.KindEIP:
		return v.server.AddEIP(fakejd.EIP{ID: jdEIP, IP: ip, Holder: holder})
	case providers.KindPrivateIP:
		return v.server.AddPrivateIP(fakejd.PrivateIP{IP: ip, Subnet: jdSubnet, Holder: holder})
	default:
		return v.server.AddRoute(fakejd.Route{Table: jdTable, IP: ip, Holder: holder})
	}
}

func (v *jdCloud) api() *face.Server           { return v.server.Server }
func (v *jdCloud) metadata(i int) http.Handler { return v.server.MetadataHandler(jdMachine(i)) }

func (v *jdCloud) slots() []fakecloud.Slot {
	slot := fakecloud.Slot{IP: v.at.floatingIP()}
	if v.offer.kind == providers.KindRoute {
		slot.Table = jdTable
	}
	return []fakecloud.Slot{slot}
}

func (v *jdCloud) target(i int) providers.Target {
	return v.machine(jdMachine(i), v.at.node(i)).Only(v.offer.capabilities.Target)
}

func (v *jdCloud) stranger() providers.Target {
	return v.machine(jdStranger, v.at.node(nodesMax)).Only(v.offer.capabilities.Target)
}

// machine is everything by which a machine can be named. The fake gives the primary
// interface the rest of the machine's id.
func (v *jdCloud) machine(id string, at netip.Addr) providers.Target {
	return providers.Target{Instance: id, Interface: "port-" + strings.TrimPrefix(id, "i-"), PrivateIP: at}
}

func (v *jdCloud) announce(int) bool { return false }

func (v *jdCloud) identity(i int) string { return v.machine(jdMachine(i), v.at.node(i)).String() }

func (v *jdCloud) binding() face.Match { return face.Match{Action: jdBinding[v.offer.kind]} }

func (v *jdCloud) permission() string {
	if v.offer.kind == providers.KindEIP {
		return "vpc:disassociateElasticIp" // the first of its two calls
	}
	return "vpc:" + jdBinding[v.offer.kind]
}

func (v *jdCloud) calls() []callName { return jdCalls }

func (v *jdCloud) address() fileAddress {
	a := fileAddress{Provider: v.offer.provider, Kind: v.offer.kind, IP: v.at.floatingIP().String()}
	switch v.offer.kind {
	case providers.KindEIP:
		a.ID = jdEIP
	case providers.KindPrivateIP:
		a.Subnet = jdSubnet
	default:
		a.Tables = []string{jdTable}
	}
	return a
}

func (v *jdCloud) block(i int, secret string) fileProvider {
	return fileProvider{
		CredentialsFile: secret, Region: fakejd.RegionDefault,
		Endpoint: v.at.apiURL(), MetadataEndpoint: v.at.metadataURL(i),
	}
}

func (v *jdCloud) secretOf(node string) string {
	return fmt.Sprintf("JDCLOUD_ACCESS_KEY=%s\nJDCLOUD_SECRET_KEY=%s\n", keyID(node), keySecret(node))
}

func (v *jdCloud) serviceURL(i int) string {
	return fmt.Sprintf("http://%s/healthz", v.at.nodeWeb(i))
}

func jdMachine(i int) string { return fmt.Sprintf("i-fipctllab%d", i+1) }
