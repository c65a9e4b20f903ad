// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// reader makes the requests of one identity, up to the first error.
type reader struct {
	source *Source
	url    string // of the last request
	err    error
}

// The paths of the tree, and the length of a value that nothing in it exceeds.
const (
	pathMACs = "network/interfaces/macs/"
	valueMax = 128
)

// identity reads the tree. Zone, network and subnet may be missing; everything else
// has to be there.
func (r *reader) identity(ctx context.Context) metadata.Identity {
	instance := r.required(ctx, "instance-id")
	if r.err == nil && !strings.HasPrefix(instance, "ins-") {
		r.err = fmt.Errorf("%q is not the id of a machine (ins-...)", instance)
	}
	id := metadata.Identity{
		Target: providers.Target{Instance: instance, PrivateIP: r.address(ctx, "local-ipv4")},
		Region: r.required(ctx, "placement/region"),
		Zone:   r.value(ctx, "placement/zone"),
	}
	names := r.list(ctx, pathMACs)
	switch {
	case r.err != nil:
	case len(names) == 0:
		r.err = errors.New("no network interface")
	case len(names) > interfacesMax:
		r.err = fmt.Errorf("%d network interfaces; at most %d are expected", len(names), interfacesMax)
	}
	for _, name := range names {
		r.addInterface(ctx, &id, name)
	}
	return id
}

// addInterface adds the interface that the tree has under its MAC. Network and subnet
// are those of the interface with the primary address.
func (r *reader) addInterface(ctx context.Context, id *metadata.Identity, name string) {
	if r.err != nil {
		return
	}
	mac, err := net.ParseMAC(name)
	if err != nil {
		r.err = fmt.Errorf("%q is not a hardware address", name)
		return
	}
	out := metadata.Interface{MAC: strings.ToLower(mac.String())}
	for _, line := range r.list(ctx, pathMACs+name+"/local-ipv4s/") {
		ip, err := netip.ParseAddr(line)
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("%q is not an IP address", line)
		}
		out.Addresses = append(out.Addresses, ip)
		if ip == id.Target.PrivateIP {
			id.VPC = r.value(ctx, pathMACs+name+"/vpc-id")
			id.Subnet = r.value(ctx, pathMACs+name+"/subnet-id")
		}
	}
	id.Interfaces = append(id.Interfaces, out)
}

// text reads one document, unless something went wrong before.
func (r *reader) text(ctx context.Context, path string) (body string, found bool) {
	if r.err != nil {
		return "", false
	}
	r.url = r.source.service.URL(root + path)
	body, found, r.err = r.source.read(ctx, r.url)
	return body, found
}

// value reads a single word; empty where the service does not tell.
func (r *reader) value(ctx context.Context, path string) string {
	body, _ := r.text(ctx, path)
	if r.err == nil && (len(body) > valueMax || strings.ContainsAny(body, " <>\n\r\t")) {
		r.err = errors.New("the answer is not a single word")
	}
	return body
}

func (r *reader) required(ctx context.Context, path string) string {
	got := r.value(ctx, path)
	if r.err == nil && got == "" {
		r.err = errors.New("missing")
	}
	return got
}

func (r *reader) address(ctx context.Context, path string) netip.Addr {
	got := r.required(ctx, path)
	ip, err := netip.ParseAddr(got)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%q is not an IP address", got)
	}
	return ip
}

// list reads the names in a directory, those of directories without their slash.
func (r *reader) list(ctx context.Context, path string) (names []string) {
	body, found := r.text(ctx, path)
	if r.err == nil && !found {
		r.err = errors.New("missing")
	}
	for line := range strings.Lines(body) {
		if name := strings.TrimSuffix(strings.TrimSpace(line), "/"); name != "" {
			names = append(names, name)
		}
	}
	return names
}
