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
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
)

// What the fake Tencent Cloud holds.
const (
	tencentRegion   = "ap-guangzhou"
	tencentEIP      = "eip-fiplab01"
	tencentHAVIP    = "havip-fiplab01"
	tencentSubnet   = "subnet-fiplab01"
	tencentStranger = "ins-somebody"
)

// tencentTables are the route tables that a route is in; clients use the first.
var tencentTables = []string{"rtb-fiplab01", "rtb-fiplab02"}

// tencentReads are the calls of a key that may not move an address.
var tencentReads = []string{
	"DescribeHaVips", "DescribeAddresses", "DescribeTaskResult", "DescribeVpcTaskResult", "DescribeNetworkInterfaces",
	"DescribeRouteTables", "DescribeSubnets", "DescribeVpcs", "DescribeInstances", "DescribeInstancesStatus",
	"DescribeDisasterRecoverGroups",
}

// tencentCalls are the calls of its API by what they are for.
var tencentCalls = []callName{
	{"DescribeAddresses", "instance-id", callPreflight}, // what else the machine has
	{"DescribeHaVips", "", callOwner}, {"DescribeAddresses", "", callOwner}, {"DescribeNetworkInterfaces", "", callOwner},
	{"DescribeRouteTables", "", callOwner}, {"DescribeTaskResult", "", callOperation}, {"DescribeVpcTaskResult", "", callOperation},
	{"DescribeInstances", "", callMachine},
}

// tencentBinding is the call that makes a machine the holder, by kind; a HAVIP has none.
var tencentBinding = map[string]string{
	providers.KindEIP:       "AssociateAddress",
	providers.KindPrivateIP: "MigratePrivateIpAddress",
	providers.KindRoute:     "ReplaceRoutes",
}

// tencentOffers are the kinds of Tencent Cloud. A route changes at once there.
func tencentOffers() []offer {
	base := offer{provider: "tencent", brand: "Tencent Cloud", machine: "CVM", tables: 1, takes: moveTakes, machineID: tencentMachine}
	havip, eip, private, route := base, base, base, base
	havip.kind, havip.address = providers.KindHAVIP, "HAVIP"
	eip.kind, eip.address, eip.takes = providers.KindEIP, "EIP", 2*moveTakes
	private.kind, private.address = providers.KindPrivateIP, "secondary private IP"
	route.kind, route.address, route.takes = providers.KindRoute, "address in two route tables", 0
	route.tables, route.alwaysHeld = len(tencentTables), true
	return openedBy([]offer{havip, eip, private, route}, openTencent)
}

// tencent is the vendor of one kind.
type tencent struct {
	offer  offer
	at     layout
	server *faketencent.Server
}

func openTencent(o offer, m *fakecloud.Model, at layout, so clusterOptions) (vendor, error) {
	v := &tencent{offer: o, at: at}
	options := faketencent.Options{
		Region: tencentRegion, Subnet: tencentSubnet, SubnetRange: at.subnetOf(o.kind), VPCRange: at.subnetOf(o.kind),
		Latency: so.latency, Shape: so.answers, BindDelay: moveTakes, MigrateDelay: moveTakes, DriftDelay: moveTakes,
	}
	for i, name := range nodeNames[:so.nodes] {
		c := faketencent.Credential{ID: keyID(name), Key: keySecret(name), Node: name}
		if slices.Contains(so.readOnly, i) {
			c.Actions = tencentReads
		}
		options.Credentials = append(options.Credentials, c)
	}
	v.server = faketencent.New(m, options)
	for i, name := range nodeNames[:so.nodes] {
		if err := v.addMachine(tencentMachine(i), name, at.node(i)); err != nil {
			return nil, err
		}
	}
	if err := v.addMachine(tencentStranger, "somebody-else", at.node(nodesMax)); err != nil {
		return nil, err
	}
	return v, v.addAddress(holderOf(v, so.holder))
}

func (v *tencent) addMachine(id, name string, at netip.Addr) error {
	return v.server.AddMachine(faketencent.Machine{
		Instance: fakecloud.Instance{ID: id, Name: name, Private: []netip.Addr{at}},
	})
}

func (v *tencent) addAddress(holder providers.Target) error {
	ip := v.at.floatingIP()
	switch v.offer.kind {
	case providers.KindHAVIP:
		return v.server.AddHAVIP(faketencent.HAVIP{ID: tencentHAVIP, IP: ip, Holder: holder})
	case providers.KindEIP:
		return v.server.AddEIP(faketencent.EIP{ID: tencentEIP, IP: ip, Holder: holder})
	case providers.KindPrivateIP:
		return v.server.AddPrivateIP(faketencent.PrivateIP{IP: ip, Holder: holder})
	}
	for _, table := range tencentTables {
		if err := v.server.AddRoute(faketencent.Route{Table: table, IP: ip, Holder: holder}); err != nil {
			return err
		}
	}
	return nil
}

func (v *tencent) api() *face.Server           { return v.server.Server }
func (v *tencent) metadata(i int) http.Handler { return v.server.MetadataHandler(tencentMachine(i)) }

func (v *tencent) slots() []fakecloud.Slot {
	if v.offer.kind != providers.KindRoute {
		return []fakecloud.Slot{{IP: v.at.floatingIP()}}
	}
	var slots []fakecloud.Slot
	for _, table := range tencentTables {
		slots = append(slots, fakecloud.Slot{IP: v.at.floatingIP(), Table: table})
	}
	return slots
}

func (v *tencent) target(i int) providers.Target {
	return v.machine(tencentMachine(i), v.at.node(i)).Only(v.offer.capabilities.Target)
}

func (v *tencent) stranger() providers.Target {
	return v.machine(tencentStranger, v.at.node(nodesMax)).Only(v.offer.capabilities.Target)
}

// machine is everything by which a machine can be named. The fake gives the primary
// interface the rest of the machine's id.
func (v *tencent) machine(id string, at netip.Addr) providers.Target {
	return providers.Target{Instance: id, Interface: "eni-" + strings.TrimPrefix(id, "ins-"), PrivateIP: at}
}

func (v *tencent) announce(i int) bool {
	if v.offer.kind != providers.KindHAVIP {
		return false
	}
	v.server.Announce(tencentMachine(i), v.at.floatingIP())
	return true // a HAVIP, even if not from this machine
}

func (v *tencent) identity(i int) string { return v.machine(tencentMachine(i), v.at.node(i)).String() }

func (v *tencent) binding() face.Match { return face.Match{Action: tencentBinding[v.offer.kind]} }

func (v *tencent) permission() string {
	if v.offer.kind == providers.KindEIP {
		return "cvm:DisassociateAddress" // the first of its two calls
	}
	return "vpc:" + tencentBinding[v.offer.kind]
}

func (v *tencent) calls() []callName { return tencentCalls }

func (v *tencent) address() fileAddress {
	a := fileAddress{Provider: v.offer.provider, Kind: v.offer.kind, IP: v.at.floatingIP().String()}
	switch v.offer.kind {
	case providers.KindHAVIP:
		a.ID = tencentHAVIP
	case providers.KindEIP:
		a.ID = tencentEIP
	case providers.KindPrivateIP:
		a.Subnet = tencentSubnet
	default:
		a.Tables = tencentTables
	}
	return a
}

func (v *tencent) block(i int, secret string) fileProvider {
	return fileProvider{
		CredentialsFile: secret, Region: tencentRegion,
		Endpoint: v.at.apiURL(), MetadataEndpoint: v.at.metadataURL(i),
	}
}

func (v *tencent) secretOf(node string) string {
	return fmt.Sprintf("TENCENTCLOUD_SECRET_ID=%s\nTENCENTCLOUD_SECRET_KEY=%s\n", keyID(node), keySecret(node))
}

func (v *tencent) serviceURL(i int) string { return fmt.Sprintf("http://%s/healthz", v.at.nodeWeb(i)) }

func tencentMachine(i int) string { return fmt.Sprintf("ins-fiplab%02d", i+1) }
