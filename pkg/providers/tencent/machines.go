// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	sdkhttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// The actions of the service cvm, of which the SDK's module is not used: two calls do
// not pay for it.
const (
	cvmVersion              = "2017-03-12"
	actionDescribeInstances = "DescribeInstances"
	actionDescribeGroups    = "DescribeDisasterRecoverGroups"
)

// machines tells about machines, for every kind alike.
type machines struct{ cloud *Cloud }

// instance is a machine as "DescribeInstances" shows it.
type instance struct {
	ID        string `json:"InstanceId"`
	State     string `json:"InstanceState"`
	Placement struct {
		Zone   string
		HostID string `json:"HostId"` // of dedicated hosts only
	}
	Private []string `json:"PrivateIpAddresses"` // of the primary interface, primary first
	Public  []string `json:"PublicIpAddresses"`
	Network struct {
		VpcID string `json:"VpcId"`
	} `json:"VirtualPrivateCloud"`
	Groups    []string `json:"DisasterRecoverGroupIds"`
	Group     string   `json:"DisasterRecoverGroupId"` // deprecated; where the list is not sent
	Partition *int64   `json:"PartitionNumber"`
}

// group is a placement group: "DescribeDisasterRecoverGroups".
type group struct {
	ID       string `json:"DisasterRecoverGroupId"`
	Affinity int    // how many members may share a host, switch or rack
	Strategy string // SPREAD, PARTITION, or nothing for SPREAD
}

// listOf is the answer to a cvm list.
type listOf struct {
	*sdkhttp.BaseResponse
	Response *struct {
		InstanceSet             *[]instance
		DisasterRecoverGroupSet *[]group
	}
}

// listCVM makes a call of cvm.
func (m machines) listCVM(ctx context.Context, op, action string, parameters map[string]any) (*listOf, string, error) {
	req := sdkhttp.NewCommonRequest("cvm", cvmVersion, action)
	if err := req.SetActionParameters(parameters); err != nil {
		return nil, "", refuse(op, providers.Invalid, "%w", err)
	}
	resp := &listOf{BaseResponse: &sdkhttp.BaseResponse{}}
	id, err := m.cloud.send(ctx, op, req, resp)
	if err == nil && resp.Response == nil {
		err = unreadable(op, id, missing("Response"))
	}
	return resp, id, err
}

// instances lists the machines that t means: one at most if t names it. A private address
// means one machine of a network, and without a network none: those of several may have
// it. Only their primary interfaces are looked through.
func (m machines) instances(ctx context.Context, op string, t providers.Target, network string) ([]instance, error) {
	parameters := map[string]any{"Limit": pageMax}
	switch {
	case isID(t.Instance, "ins-"):
		parameters["InstanceIds"] = []string{t.Instance}
	case t.Instance == "" && t.PrivateIP.IsValid() && network != "":
		parameters["Filters"] = []any{
			map[string]any{"Name": "private-ip-address", "Values": []string{t.PrivateIP.String()}},
			map[string]any{"Name": "vpc-id", "Values": []string{network}},
		}
	case t.Instance == "" && t.PrivateIP.IsValid():
		return nil, refuse(op, providers.Invalid, "%s is the address of a machine of which the network is not known", t)
	default:
		return nil, refuse(op, providers.Invalid, "target %q is not a machine", t)
	}
	resp, id, err := m.listCVM(ctx, op, actionDescribeInstances, parameters)
	if err != nil {
		return nil, err
	}
	set := resp.Response.InstanceSet
	if set == nil {
		return nil, unreadable(op, id, missing("InstanceSet"))
	}
	var meant []instance
	for _, i := range *set {
		if i.ID == "" || i.State == "" {
			return nil, unreadable(op, id, missing("InstanceSet.InstanceId or InstanceState"))
		}
		if t.Instance != "" && i.ID != t.Instance {
			return nil, unreadable(op, id, wrong("InstanceSet.InstanceId", "asked for %s, got %s", t.Instance, cloudhttp.Quote(i.ID)))
		}
		if t.Instance == "" {
			is, err := i.has(t.PrivateIP, network)
			switch {
			case err != nil:
				return nil, unreadable(op, id, err)
			case !is: // whatever the filters make of it
				continue
			}
		}
		meant = append(meant, i)
	}
	return meant, nil
}

// has reports whether i has a private address of a network.
func (i instance) has(private netip.Addr, network string) (bool, error) {
	switch {
	case i.Network.VpcID == "":
		return false, missing("InstanceSet.VirtualPrivateCloud.VpcId")
	case len(i.Private) == 0:
		return false, missing("InstanceSet.PrivateIpAddresses")
	}
	return i.Network.VpcID == network && slices.ContainsFunc(i.Private, func(text string) bool {
		ip, err := netip.ParseAddr(text)
		return err == nil && ip == private
	}), nil
}

// InstanceState implements providers.Inspector. An empty answer is unknown: the
// documents do not say whether it means a machine that is gone, or one that this
// credential may not see. So is an address without a machine, unless it is the next hop
// of routes that were read, all of one VPC: another VPC may have the same address.
func (m machines) InstanceState(ctx context.Context, t providers.Target) (providers.InstanceState, error) {
	op := "read state of " + t.String()
	network := m.cloud.networkOf(t)
	if t.Instance != "" && !isID(t.Instance, "ins-") || t.Instance == "" && network == "" {
		return providers.InstanceUnknown, nil // a load balancer, a loose interface, an address of anywhere
	}
	found, err := m.instances(ctx, op, t, network)
	switch {
	case providers.KindOf(err) == providers.NotFound:
		return providers.InstanceGone, nil // the API said so in as many words
	case err != nil:
		return providers.InstanceUnknown, err
	case len(found) != 1:
		return providers.InstanceUnknown, nil
	}
	return stateOf(found[0].State), nil
}

// stateOf reads an InstanceState. A machine that is shutting down or about to be
// destroyed may still act.
func stateOf(word string) providers.InstanceState {
	switch word {
	case "STOPPED", "SHUTDOWN", "LAUNCH_FAILED":
		return providers.InstanceStopped
	case "RUNNING", "PENDING", "STARTING", "STOPPING", "REBOOTING", "TERMINATING":
		return providers.InstanceRunning
	}
	return providers.InstanceUnknown // rescue modes, migrations
}

// Placement implements providers.Placer with one call, or two for a machine in a
// placement group. A credential that may not read groups learns less.
func (m machines) Placement(ctx context.Context, t providers.Target) (providers.Placement, error) {
	op := "read placement of " + t.String()
	all, err := m.instances(ctx, op, t, m.cloud.networkOf(t))
	if err != nil {
		return providers.Placement{}, err
	}
	if len(all) != 1 {
		return providers.Placement{}, refuse(op, providers.NotFound, "%d machines in %s fit", len(all), m.cloud.here(ctx))
	}
	i := all[0]
	out := providers.Placement{Zone: cloudhttp.Clean(i.Placement.Zone), Host: cloudhttp.Clean(i.Placement.HostID), Group: i.Group}
	if len(i.Groups) > 0 {
		out.Group = i.Groups[0]
	}
	if out.Group = cloudhttp.Clean(out.Group); out.Group == "" {
		return out, nil
	}
	resp, _, err := m.listCVM(ctx, op, actionDescribeGroups, map[string]any{"DisasterRecoverGroupIds": []string{out.Group}})
	switch kind := providers.KindOf(err); {
	case err != nil && (kind == providers.Denied || kind == providers.NotFound):
		return out, nil
	case err != nil:
		return providers.Placement{}, err
	}
	for _, g := range value(resp.Response.DisasterRecoverGroupSet) {
		if g.ID == out.Group {
			out.Spread, out.Partition = g.separates(i)
		}
	}
	return out, nil
}

// separates says how a group keeps its members apart. Of a spread group with an
// affinity above one, members may share a host.
func (g group) separates(i instance) (spread bool, partition string) {
	switch {
	case g.Strategy == "PARTITION" && i.Partition != nil:
		return false, strconv.FormatInt(*i.Partition, 10)
	case g.Strategy == "SPREAD" || g.Strategy == "":
		return g.Affinity == 1, ""
	}
	return false, ""
}

// primaryOf reads the primary private address of a machine, at most once a minute.
func (m machines) primaryOf(ctx context.Context, op, id string) (netip.Addr, error) {
	if ips, ok := m.cloud.known(id); ok && len(ips) > 0 {
		return ips[0], nil
	}
	found, err := m.instances(ctx, op, providers.Target{Instance: id}, "")
	if err != nil {
		return netip.Addr{}, err
	}
	if len(found) != 1 {
		return netip.Addr{}, unreadable(op, "", fmt.Errorf("InstanceSet: %d machines are %s", len(found), id))
	}
	ip, ok := found[0].primary()
	if !ok {
		return netip.Addr{}, unreadable(op, "", missing("InstanceSet.PrivateIpAddresses"))
	}
	m.cloud.remember(id, knownAddresses{ips: []netip.Addr{ip}, until: m.cloud.cfg.Now().Add(addressesLast)})
	return ip, nil
}

// primary returns the primary private address of a machine.
func (i instance) primary() (netip.Addr, bool) {
	if len(i.Private) == 0 {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(i.Private[0])
	return ip, err == nil
}
