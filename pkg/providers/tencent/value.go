// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"net/netip"
	"regexp"

	vpc "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// pageMax is the largest page of the lists in use; idsMax how many ids one call takes.
const (
	pageMax = 100
	idsMax  = 100
)

// text returns *p, or nothing: the services send null for what is empty, and leave
// out what they do not know.
func text(p *string) string { return value(p) }

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func pointer[T any](v T) *T { return &v }

// pointers is the form in which the SDK takes a list.
func pointers(texts ...string) []*string {
	out := make([]*string, len(texts))
	for i := range texts {
		out[i] = &texts[i]
	}
	return out
}

func filter(name string, values ...string) *vpc.Filter {
	return &vpc.Filter{Name: &name, Values: pointers(values...)}
}

var idSuffix = regexp.MustCompile(`^[0-9a-z]+$`)

// isID reports whether id is one of the cloud's with this prefix, such as "eip-".
func isID(id, prefix string) bool {
	return len(id) > len(prefix) && id[:len(prefix)] == prefix && idSuffix.MatchString(id[len(prefix):])
}

// parseIP reads the address found under name.
func parseIP(name, text string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, wrong(name, "%s is not an IP address", cloudhttp.Quote(text))
	}
	return ip, nil
}

// checkAddress refuses what a kind cannot move before anything is sent. prefix is
// that of the id which belongs to addresses of this kind, what the thing it names.
func checkAddress(op string, a providers.Address, kind, prefix, what string) error {
	switch {
	case a.Kind != kind:
		return refuse(op, providers.Unsupported, "kind %q; this provider is for %s", a.Kind, kind)
	case !a.IP.Is4():
		return refuse(op, providers.Invalid, "%q is not a plain IPv4 address", a.IP)
	case a.ID == "":
		return refuse(op, providers.Invalid, "id: missing; the kind %s needs that of %s, %s...", kind, what, prefix)
	case !isID(a.ID, prefix):
		return refuse(op, providers.Invalid, "id: %q is not that of %s, which begins with %s", a.ID, what, prefix)
	}
	return nil
}

// checkTarget refuses a target that would not come back as the same from Owner.
func checkTarget(op string, t providers.Target, parts providers.TargetParts) error {
	switch {
	case t.IsZero() || t.Only(parts) != t,
		parts&providers.PartInstance != 0 && !isID(t.Instance, "ins-"),
		parts&providers.PartInterface != 0 && !isID(t.Interface, "eni-"),
		parts&providers.PartPrivateIP != 0 && !t.PrivateIP.Is4():
		return refuse(op, providers.Invalid, "target %q is not %s", t, wanted(parts))
	}
	return nil
}

// wanted describes the form of a target.
func wanted(parts providers.TargetParts) string {
	switch parts {
	case providers.PartInstance:
		return "a machine (ins-...)"
	case providers.PartInstance | providers.PartPrivateIP:
		return "a machine (ins-...) and its private address"
	case providers.PartInstance | providers.PartInterface:
		return "a machine (ins-...) and its interface (eni-...)"
	default:
		return "a private address"
	}
}
