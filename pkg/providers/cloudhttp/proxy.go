// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// errProxy: the environment names a proxy that cannot be one. Nothing left.
var errProxy = errors.New("no usable proxy")

// proxySchemes are those that net/http knows how to speak to.
var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

// proxyOf returns the proxy that the environment names for a request, or nil. The variable
// itself is looked at first, since the environment's reader takes what it cannot parse for no
// proxy at all. Its errors show nothing of the value, which may hold a password.
func proxyOf(req *http.Request) (*url.URL, error) {
	name, value := proxyVariable(req.URL.Scheme)
	if value != "" && !isLoopback(req.URL.Hostname()) && !isProxy(value) {
		return nil, fmt.Errorf("%w in the environment: %s must be http://HOST:PORT, or https:// or socks5:// in its place, with USER:PASSWORD@ before the host if need be, special characters in these percent-encoded (%% as %%25), and no white space; correct it, or unset it and restart",
			errProxy, name)
	}
	return http.ProxyFromEnvironment(req)
}

// proxyVariable returns the name and the value of the variable that names the proxy for a scheme.
func proxyVariable(scheme string) (name, value string) {
	for _, name = range []string{strings.ToUpper(scheme + "_proxy"), scheme + "_proxy"} {
		if value = os.Getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// isLoopback reports whether a host is asked without a proxy whatever the environment says.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// isProxy reports whether a value can be the address of a proxy. It is read as net/http reads
// it, with http:// before what is no URL, so that http://a b is a host http: and a path.
func isProxy(value string) bool {
	u, err := url.Parse(value)
	if err != nil || u.Scheme == "" || u.Host == "" {
		if u, err = url.Parse("http://" + value); err != nil {
			return false
		}
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	ported := err == nil && port > 0 || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
	return slices.Contains(proxySchemes, u.Scheme) && u.Hostname() != "" && ported &&
		strings.Trim(u.Path, "/") == "" && !strings.ContainsAny(value, "?#")
}

// connected looks at what a proxy says to the request to connect it. Without this the
// error is the words of its status alone, as if the cloud had said them.
func connected(_ context.Context, proxy *url.URL, connect *http.Request, answer *http.Response) error {
	switch {
	case answer.StatusCode == http.StatusOK:
		return nil
	case answer.StatusCode == http.StatusProxyAuthRequired:
		return fmt.Errorf("the proxy %s wants a user and a password (%s); put USER:PASSWORD@ before its host", shown(proxy), Clean(answer.Status))
	default:
		return fmt.Errorf("the proxy %s does not connect to %s (%s)", shown(proxy), connect.Host, Clean(answer.Status))
	}
}
