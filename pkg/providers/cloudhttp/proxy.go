// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// errProxy: the environment names a proxy that cannot be one. Nothing left.
var errProxy = errors.New("no usable proxy")

// proxySchemes are those that net/http knows how to speak to.
var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

// proxyOf returns the proxy that the environment names for a request, or nil. Its errors
// show nothing of the value, which may hold a password.
func proxyOf(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err == nil && (u == nil || usable(u)) {
		return u, nil
	}
	name := "HTTP_PROXY"
	if req.URL.Scheme == "https" {
		name = "HTTPS_PROXY"
	}
	return nil, fmt.Errorf("%w in the environment: %s must be http://HOST:PORT, or https:// or socks5:// in its place, with USER:PASSWORD@ before the host if need be; correct it, or unset it and restart",
		errProxy, name)
}

// usable reports whether u can be the address of a proxy. Of what is no URL the environment's
// reader makes one by http:// before it, so that http://a b is a host http: and a path.
func usable(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	ported := err == nil && port > 0 || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
	return slices.Contains(proxySchemes, u.Scheme) && u.Hostname() != "" && ported && strings.Trim(u.Path, "/") == ""
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
