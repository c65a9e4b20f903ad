// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/metadata/linklocal"
	"github.com/fipctl/fipctl/pkg/providers"
)

// interfacesMax is how many network interfaces are looked at: a machine has at most
// eight ("deviceIndex" of the vpc service).
const interfacesMax = 8

// reader walks a tree until something is missing or wrong: then err says at which URL,
// and what is read from there on is empty.
type reader struct {
	ctx context.Context
	get func(ctx context.Context, at string) (string, error)
	err error
}

// identity reads the machine whose service is at base.
func (r *reader) identity(base string) metadata.Identity {
	root, instance := r.root(base)
	id := metadata.Identity{
		Target:   providers.Target{Instance: instance},
		Region:   r.required(root + "placement/region"),
		Zone:     r.optional(root + "placement/availability-zone"),
		Hostname: r.optional(root + "attributes/hostname"),
	}
	for i, dir := range r.interfaces(root + "network/") {
		ip := r.address(dir + "local-ipv4")
		id.Interfaces = append(id.Interfaces, metadata.Interface{MAC: r.mac(dir + "mac"), Addresses: []netip.Addr{ip}})
		if i > 0 {
			continue // the first is the primary one, which addresses are bound to
		}
		id.Target.PrivateIP = ip
		id.Target.Interface = r.required(dir + "network-interface-id")
		id.Subnet = r.optional(dir + "subnet-id")
	}
	return id
}

// root finds the tree, which is known by the instance id in it.
func (r *reader) root(base string) (root, instance string) {
	for _, tree := range trees {
		root = base + tree
		text, err := r.get(r.ctx, root+"instance-id")
		if linklocal.Absent(err) {
			continue
		}
		return root, r.value(root+"instance-id", text, err)
	}
	r.fail(base+trees[0]+"instance-id", linklocal.Status(http.StatusNotFound))
	return root, ""
}

// required reads a value that has to be there.
func (r *reader) required(at string) string {
	if r.err != nil {
		return ""
	}
	text, err := r.get(r.ctx, at)
	return r.value(at, text, err)
}

// optional reads a value that a machine may lack.
func (r *reader) optional(at string) string {
	if r.err != nil {
		return ""
	}
	text, err := r.get(r.ctx, at)
	if err != nil && !linklocal.Absent(err) {
		r.fail(at, err)
	}
	return scalar(text)
}

// value returns what was read, unless it is empty or more than a word.
func (r *reader) value(at, text string, err error) string {
	text = scalar(text)
	switch {
	case err != nil:
		r.fail(at, err)
	case text == "":
		r.fail(at, errors.New("empty"))
	case strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }):
		r.fail(at, fmt.Errorf("%.64q is not one word", text))
	default:
		return text
	}
	return ""
}

// scalar strips white space and the double quotes that the documentation prints.
func scalar(text string) string {
	text = strings.TrimSpace(text)
	if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' {
		text = strings.TrimSpace(text[1 : n-1])
	}
	return text
}

func (r *reader) address(at string) netip.Addr {
	text := r.required(at)
	ip, err := netip.ParseAddr(text)
	if err != nil || !ip.Is4() {
		r.fail(at, fmt.Errorf("%.64q is not an IPv4 address", text))
	}
	return ip
}

func (r *reader) mac(at string) string {
	text := r.required(at)
	mac, err := net.ParseMAC(text)
	if err != nil {
		r.fail(at, fmt.Errorf("%.64q is not a hardware address", text))
	}
	return strings.ToLower(mac.String())
}

// interfaces reads the directory at a URL, a JSON array of names such as "1/", and
// returns the URLs of the interfaces in the order of their numbers. The first number is
// 1, or in an older description 0.
func (r *reader) interfaces(at string) (dirs []string) {
	if r.err != nil {
		return nil
	}
	text, err := r.get(r.ctx, at)
	if err != nil {
		r.fail(at, err)
		return nil
	}
	var names []string
	if json.Unmarshal([]byte(text), &names) != nil {
		r.fail(at, fmt.Errorf("%.64q is not a JSON array of names", text))
		return nil
	}
	var numbers []int
	for _, name := range names {
		n, err := strconv.Atoi(strings.TrimSuffix(name, "/"))
		if err != nil || n < 0 {
			r.fail(at, fmt.Errorf("%.64q is not the number of an interface", name))
			return nil
		}
		numbers = append(numbers, n)
	}
	if len(numbers) == 0 {
		r.fail(at, errors.New("empty"))
	}
	slices.Sort(numbers)
	for _, n := range numbers[:min(len(numbers), interfacesMax)] {
		dirs = append(dirs, at+strconv.Itoa(n)+"/")
	}
	return dirs
}

// fail notes the first problem.
func (r *reader) fail(at string, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w", at, err)
	}
}
