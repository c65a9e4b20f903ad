// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"fmt"
	"net/url"
	"strings"
)

// The values of the option network.
const (
	// NetworkPublic is HTTPS over the Internet. A machine without an EIP or a NAT
	// gateway does not get there, and that is what a standby is.
	NetworkPublic = "public"
	// NetworkInternal is plain HTTP within a VPC, the only scheme there: signatures
	// protect requests from being changed, but a session token can be read on the way.
	NetworkInternal = "internal"
)

// The hosts of each service, as they are shown to an operator.
const (
	// PublicEndpoint is where the services are unless chosen otherwise ("Calling Method").
	PublicEndpoint = "https://{service}.jdcloud-api.com"
	// InternalEndpoint is where a VPC reaches them without a way to the Internet.
	InternalEndpoint = "http://{service}.internal.{region}.jdcloud-api.com"
)

// Endpoints says where the API is. The zero value is PublicEndpoint.
type Endpoints struct {
	// Internal chooses InternalEndpoint.
	Internal bool
	// Single is one base URL for all services, with the path before /v1 if there is
	// one. Signatures cover the whole path. Empty: a host per service.
	Single string
}

// endpoint is a checked Endpoints.
type endpoint struct {
	internal bool
	single   *url.URL // nil: a host per service
}

// parse checks e.
func (e Endpoints) parse() (endpoint, error) {
	if e.Single == "" {
		return endpoint{internal: e.Internal}, nil
	}
	const example = "http://openapi.internal.cn-north-1.jdcloud-api.com"
	if e.Internal {
		return endpoint{}, fmt.Errorf("%s: not together with %s: %s; leave one of them out", OptionEndpoint, OptionNetwork, NetworkInternal)
	}
	u, err := url.Parse(e.Single)
	switch {
	case err != nil:
		return endpoint{}, fmt.Errorf("%s: not a URL; give one such as %s", OptionEndpoint, example)
	case u.User != nil:
		return endpoint{}, fmt.Errorf("%s: credentials are not allowed in a URL; use %s", OptionEndpoint, OptionCredentialsFile)
	case u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return endpoint{}, fmt.Errorf("%s: %q is not a URL such as %s", OptionEndpoint, e.Single, example)
	case u.RawQuery != "" || u.Fragment != "":
		return endpoint{}, fmt.Errorf("%s: %q has a query or fragment; give scheme, host and path only", OptionEndpoint, e.Single)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	u.Host = strings.TrimSuffix(u.Host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	return endpoint{single: u}, nil
}

// base returns the URL under which the paths of a service begin with /v1.
func (e endpoint) base(service, region string) url.URL {
	if e.single != nil {
		return *e.single
	}
	template := PublicEndpoint
	if e.internal {
		template = InternalEndpoint
	}
	scheme, host, _ := strings.Cut(strings.NewReplacer("{service}", service, "{region}", region).Replace(template), "://")
	return url.URL{Scheme: scheme, Host: host}
}

// field names what in the configuration chose this endpoint.
func (e endpoint) field() string {
	if e.single != nil {
		return OptionEndpoint
	}
	return OptionNetwork
}

// unreachable says in one line why a connection to base may not have come about, and
// what to do.
func (e endpoint) unreachable(base url.URL, err error) error {
	hint := fmt.Sprintf("a machine without an EIP or a NAT gateway, as a standby is, does not reach the public API; set %s: %s, or add a NAT gateway", OptionNetwork, NetworkInternal)
	switch {
	case e.single != nil:
		hint = "check " + OptionEndpoint
	case e.internal:
		hint = fmt.Sprintf("internal hosts answer only inside a VPC of that region; check %s and the DNS servers of the VPC", OptionRegion)
	}
	return fmt.Errorf("no connection to %s://%s: %w; %s", base.Scheme, base.Host, err, hint)
}
