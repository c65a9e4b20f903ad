// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// Values are what the placeholders of this node stand for. A zero field has no
// value.
type Values struct {
	Node    string     // {node}: the name of this node
	Address netip.Addr // {address}: the floating IP of the group
	Anchor  netip.Addr // {anchor}: the address on which traffic for the floating IP arrives in the guest
}

// placeholder matches a word in braces, with what may stand before it. Only a
// word in single braces without a dollar sign is a placeholder; a shell's ${VAR},
// a Go template, a JSON document or an awk program is left alone.
var placeholder = regexp.MustCompile(`\$?\{+[A-Za-z][A-Za-z0-9_-]*\}`)

// noValue says, for each placeholder, why it may have no value and what to do.
var noValue = map[string]string{
	"node":    "the name of this node is not known; set it in the configuration",
	"address": "the group has not exactly one address; write the address out",
	"anchor": "the metadata service has not told it yet; " +
		"check that it answers and that this machine has an anchor IP, or write the address out",
}

// Placeholders returns the names of the placeholders in s in their order, or an
// error that names the first one that does not exist.
func Placeholders(s string) ([]string, error) {
	var names []string
	for _, at := range placeholder.FindAllStringIndex(s, -1) {
		name, ok := nameOf(s[at[0]:at[1]])
		if !ok {
			continue
		}
		if _, known := noValue[name]; !known {
			return nil, fmt.Errorf("%q is no placeholder; use {node}, {address} or {anchor}, "+
				"or put a space inside the braces to mean them literally", "{"+name+"}")
		}
		names = append(names, name)
	}
	return names, nil
}

// Expand replaces the placeholders in s. An IPv6 address is put in brackets
// where the text needs them: as the host of a URL (right after "//" or "@") and
// before a port (right before ":"), unless brackets stand there already. Hence
// "http://{anchor}/" and "{anchor}:80" work for both families, and
// "ping {address}" gets the bare address.
//
// An unknown placeholder is an error; one without a value is an error wrapping
// [ErrNoValue]. The errors do not quote s, which may hold a password.
func Expand(s string, v Values) (string, error) {
	if _, err := Placeholders(s); err != nil {
		return "", err
	}
	var out strings.Builder
	rest := 0
	for _, at := range placeholder.FindAllStringIndex(s, -1) {
		name, ok := nameOf(s[at[0]:at[1]])
		if !ok {
			continue
		}
		value := v.lookup(name, wantsBrackets(s[:at[0]], s[at[1]:]))
		if value == "" {
			return "", fmt.Errorf("{%s} has %w: %s", name, ErrNoValue, noValue[name])
		}
		out.WriteString(s[rest:at[0]])
		out.WriteString(value)
		rest = at[1]
	}
	out.WriteString(s[rest:])
	return out.String(), nil
}

// nameOf returns the word in the braces. A dollar sign or more than one opening
// brace make it somebody else's template.
func nameOf(match string) (name string, ok bool) {
	if strings.HasPrefix(match, "$") || strings.HasPrefix(match, "{{") {
		return "", false
	}
	return strings.Trim(match, "{}"), true
}

// wantsBrackets reports whether an IPv6 address between before and after has to
// stand in brackets.
func wantsBrackets(before, after string) bool {
	if strings.HasSuffix(before, "[") && strings.HasPrefix(after, "]") {
		return false
	}
	return strings.HasSuffix(before, "//") || strings.HasSuffix(before, "@") || strings.HasPrefix(after, ":")
}

// lookup returns the value of a known placeholder, or "" if it has none.
func (v Values) lookup(name string, brackets bool) string {
	var ip netip.Addr
	switch name {
	case "node":
		return v.Node
	case "address":
		ip = v.Address
	case "anchor":
		ip = v.Anchor
	}
	switch {
	case !ip.IsValid():
		return ""
	case ip.Unmap().Is6() && brackets:
		return "[" + ip.WithZone("").String() + "]"
	default:
		return ip.Unmap().WithZone("").String()
	}
}

// expandProblem returns the problem with the placeholders of a setting.
func expandProblem(field, s string) []Problem {
	if _, err := Placeholders(s); err != nil {
		return []Problem{{Field: field, Text: err.Error()}}
	}
	return nil
}

// sampleValues stand in for the real ones where a setting is only validated.
// They are from the ranges kept for documentation (RFC 5737).
var sampleValues = Values{
	Node:    "node",
	Address: netip.AddrFrom4([4]byte{203, 0, 113, 1}),
	Anchor:  netip.AddrFrom4([4]byte{192, 0, 2, 1}),
}
