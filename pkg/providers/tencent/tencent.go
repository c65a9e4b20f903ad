// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package tencent moves addresses of Tencent Cloud, of four kinds:
//
//	kind        what moves it                          target
//	havip       the guest's announcement; only read    Instance
//	eip         DisassociateAddress, AssociateAddress  Instance, PrivateIP
//	private-ip  MigratePrivateIpAddress                Instance, Interface
//	route       ReplaceRoutes                          PrivateIP
//
// A [Cloud] is one account in one region, with a provider for each kind; they share a
// client. It never reads before it writes, repeats no write, takes no refusal for a
// success, and remembers nothing about ownership. What it keeps in memory are facts
// about machines (which interface has a MAC, and for at most a minute which private
// addresses an interface has), the network of each route that was read, and whether an
// EIP may be detached, as of the last read.
//
// The caller
//
//  1. obeys the rules of package providers, above all reading the owner after every
//     write: no call of this cloud names a condition, apart from the interface that
//     a private IP is taken from;
//  2. gives Assign an Assignment that Owner of the same Cloud has returned: of a route it
//     carries the route's id, and an EIP that must not be detached is known by the read;
//  3. knows that detaching an EIP takes it off whoever holds it by then.
package tencent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
	vpc "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// Name is the name of the driver in configuration, logs and errors.
const Name = "tencent"

// The options of the provider's block in the configuration file.
const (
	OptionCredentialsFile  = "credentials_file"
	OptionRegion           = "region"
	OptionEndpoint         = "endpoint"
	OptionMetadataEndpoint = "metadata_endpoint"
	OptionRole             = "role"
)

// Credential signs requests.
type Credential struct {
	ID         string           // SecretId; no secret by itself
	Key, Token cloudhttp.Secret // Token is empty for a long-lived credential
}

// Config is what New needs.
type Config struct {
	// HTTP carries the requests; it adds no token.
	HTTP *cloudhttp.Client
	// Credentials is asked before each call. Its error is Denied, or Transient if it
	// says of itself that it is Temporary.
	Credentials func(context.Context) (Credential, error)
	// Refused is told of a credential that the cloud no longer accepts, so that a
	// temporary one can be fetched anew. May be nil.
	Refused func(Credential)
	// Region is asked before each call, for the cloud's name of the region, such as
	// ap-guangzhou.
	Region func(context.Context) (string, error)
	// Endpoint is the base URL of all services. Empty:
	// https://{service}.tencentcloudapi.com.
	Endpoint string
	// Now tells the time of signatures. Nil: time.Now.
	Now func() time.Time
}

// Cloud is one account in one region. It is safe for concurrent use.
type Cloud struct {
	cfg           Config
	reads, writes http.RoundTripper
	profile       *profile.ClientProfile // never modified

	mu         sync.Mutex
	interfaces map[machineMAC]string
	addresses  map[string]knownAddresses          // by machine, or "interfaces of" one
	eips       map[providers.Address]*vpc.Address // as last read
	hops       map[providers.Address]nextHop      // by route, as last read
}

// New returns a cloud. It does no I/O and reports every problem of cfg at once.
func New(cfg Config) (*Cloud, error) {
	var problems []error
	if cfg.HTTP == nil {
		problems = append(problems, errors.New("HTTP client: missing; make one with cloudhttp.New"))
	}
	if cfg.Credentials == nil {
		problems = append(problems, errors.New("source of credentials: missing"))
	}
	if cfg.Region == nil {
		problems = append(problems, errors.New("source of the region: missing"))
	}
	prof, err := newProfile(cfg.Endpoint)
	if err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Cloud{
		cfg: cfg, reads: cfg.HTTP.ReadTransport(), writes: cfg.HTTP.HTTP().Transport, profile: prof,
		interfaces: map[machineMAC]string{}, addresses: map[string]knownAddresses{},
		eips: map[providers.Address]*vpc.Address{}, hops: map[providers.Address]nextHop{},
	}, nil
}

// newProfile returns the SDK's settings for an endpoint: every retry off, no circuit
// breaker that would send to another region, no timeout beside cloudhttp's. Plain
// http is for fakes and for proxies on the machine; warning of it elsewhere is up to
// the configuration.
func newProfile(endpoint string) (*profile.ClientProfile, error) {
	p := profile.NewClientProfile()
	p.Language = "en-US"
	p.DisableRegionBreaker = true
	p.HttpProfile.ReqTimeout = 0
	if endpoint == "" {
		return p, nil
	}
	u, err := url.Parse(endpoint)
	const example = "https://vpc.tencentcloudapi.com"
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: not a URL; give one such as %s", OptionEndpoint, example)
	case u.User != nil:
		return nil, fmt.Errorf("%s: credentials are not allowed in a URL; use %s", OptionEndpoint, OptionCredentialsFile)
	case u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return nil, fmt.Errorf("%s: %q is not a URL such as %s", OptionEndpoint, endpoint, example)
	case u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return nil, fmt.Errorf("%s: %q has a path, query or fragment; give scheme and host only", OptionEndpoint, endpoint)
	}
	p.HttpProfile.Endpoint, p.HttpProfile.Scheme = u.Host, strings.ToUpper(u.Scheme)
	return p, nil
}

// Kinds returns the kinds of address there are.
func Kinds() []string {
	return []string{providers.KindHAVIP, providers.KindEIP, providers.KindPrivateIP, providers.KindRoute}
}

// Kind returns the provider for addresses of one kind, and whether there is one.
func (c *Cloud) Kind(kind string) (providers.Provider, bool) {
	switch kind {
	case providers.KindHAVIP:
		return &havip{machines{c}}, true
	case providers.KindEIP:
		return &eip{machines{c}}, true
	case providers.KindPrivateIP:
		return &privateIP{machines{c}}, true
	case providers.KindRoute:
		return &route{machines{c}}, true
	}
	return nil, false
}
