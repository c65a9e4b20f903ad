// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package digitalocean moves DigitalOcean reserved IPs, v4 and v6, between
// droplets of one region. A target is Target{Instance: droplet id in decimal}.
//
// It never reads before it writes, repeats no write, never takes a 422 for a
// success, and remembers nothing. The caller
//
//  1. obeys the rules of package providers, above all reading the owner after
//     every write: DigitalOcean offers no conditional form, the last accepted
//     assign wins;
//  2. reads, and then asks Preflight, after a Conflict: the API refuses with the
//     same status an address that is already there, a droplet that is full and a
//     droplet in another region;
//  3. for a v6 address that a direct assign did not bring within MoveTimeout, calls
//     Release and assigns when the owner read says nobody.
package digitalocean

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/listing"
)

const (
	// Name is the name of the driver in configuration, logs and errors.
	Name = "digitalocean"
	// KindReservedIP is the one kind of address there is.
	KindReservedIP = "reserved-ip"
	// DefaultEndpoint is the public API.
	DefaultEndpoint = "https://api.digitalocean.com/"
)

// The options of the provider's block in the configuration file.
const (
	OptionTokenFile        = "token_file"
	OptionEndpoint         = "endpoint"
	OptionMetadataEndpoint = "metadata_endpoint"
)

const (
	// moveTimeout: assignments were reported to complete in 2 to 12 s, by users in
	// "a few seconds" up to tens; there is no official figure. Shorter, and slow
	// moves are given up half-way; longer, and a lost one goes unnoticed.
	moveTimeout = 60 * time.Second
	// settleTime covers the slowest completion on record, 12 s: until then the
	// previous holder is shown, and for v6 without any sign of a pending move.
	settleTime = 15 * time.Second
	// lateTime4: an assignment that the API has taken shows in the answer to every read of
	// the address from then on, as locked, and one of IPv6 does not. The harm of a shorter
	// time is a write that is refused, since the address is locked or already here; what it
	// is judged by is in docs/providers/digitalocean.md.
	lateTime4 = 2 * time.Second
	// minInterval keeps four nodes that share a token below the burst limit of 250
	// requests a minute. The limit of 5000 an hour asks for more patience when
	// nothing happens.
	minInterval = time.Second
	// callsPerHour: "Rate Limit" in the API reference, per token. What all nodes do
	// when nothing is urgent is planned to stay below it.
	callsPerHour = 5000
)

// rateWindow: "Rate Limit" in the API reference. Each request counts for an hour after it
// was made; there is no moment at which all come back.
const rateWindow = time.Hour

// Ration returns where every answer tells what is left of the token's calls, for the client
// that carries the requests.
func Ration() cloudhttp.Ration {
	return cloudhttp.Ration{Limit: "Ratelimit-Limit", Remaining: "Ratelimit-Remaining", Reset: "Ratelimit-Reset"}
}

// Config is what New needs.
type Config struct {
	// HTTP carries the requests and their token. It is made with Ration.
	HTTP *cloudhttp.Client
	// Endpoint is the base URL of the API. Empty: DefaultEndpoint.
	Endpoint string
	// Now tells the time, to turn a rate limit's reset into a wait. Nil: time.Now.
	Now func() time.Time
}

// Provider implements the contract for DigitalOcean. It is safe for concurrent use.
type Provider struct {
	api  api
	now  func() time.Time
	rest func() (cloudhttp.Rest, bool)

	omitted listing.Omissions
}

var (
	_ providers.Provider    = (*Provider)(nil)
	_ providers.Releaser    = (*Provider)(nil)
	_ providers.BatchReader = (*Provider)(nil)
	_ providers.Inspector   = (*Provider)(nil)
	_ providers.Preflighter = (*Provider)(nil)
	_ providers.Tracker     = (*Provider)(nil)
	_ providers.Placer      = (*Provider)(nil)
	_ providers.Rationer    = (*Provider)(nil)
)

// New returns a driver. It does no I/O and reports every problem of cfg at once.
func New(cfg Config) (*Provider, error) {
	var problems []error
	if cfg.HTTP == nil {
		problems = append(problems, errors.New("HTTP client: missing; make one with cloudhttp.New"))
	}
	base, err := parseEndpoint(cfg.Endpoint)
	if err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Provider{api: newAPI(cfg.HTTP.HTTP(), base), now: cfg.Now, rest: cfg.HTTP.Rest}, nil
}

// parseEndpoint checks the base URL and gives it the final slash without which
// the SDK drops the last part of a path prefix. Plain http is for fakes and for
// proxies on the machine; warning of it elsewhere is up to the configuration.
func parseEndpoint(endpoint string) (*url.URL, error) {
	if endpoint == "" {
		endpoint = DefaultEndpoint
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: not a URL; give one such as %s", OptionEndpoint, DefaultEndpoint)
	case u.User != nil:
		return nil, fmt.Errorf("%s: credentials are not allowed in a URL; use %s", OptionEndpoint, OptionTokenFile)
	case u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return nil, fmt.Errorf("%s: %q is not a URL such as %s", OptionEndpoint, endpoint, DefaultEndpoint)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%s: %q has a query or fragment; give scheme, host and path only", OptionEndpoint, endpoint)
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	return u, nil
}

// Capabilities implements providers.Provider. It may be called on a nil Provider,
// for the checks of a configuration file.
func (*Provider) Capabilities() providers.Capabilities {
	return providers.Capabilities{
		Target:       providers.PartInstance,
		AtomicMove:   true,
		Asynchronous: true,
		// v4 is translated to the anchor IP the droplet has anyway; v6 is routed to
		// the droplet as it is.
		Guest4:       providers.GuestNone,
		Guest6:       providers.GuestAddress,
		IPv4:         true,
		IPv6:         true,
		SettleTime:   settleTime,
		LateTime4:    lateTime4,
		MoveTimeout:  moveTimeout,
		MinInterval:  minInterval,
		CallsPerHour: callsPerHour,
		// "Reserved IP Limits": a droplet has one at a time. Whether one of each family can
		// be together is not said.
		MaxPerTarget4: 1,
		MaxPerTarget6: 1,
	}
}

// Owner implements providers.Provider.
func (p *Provider) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	op := "read owner of " + a.String()
	if err := checkAddress(op, a); err != nil {
		return providers.Assignment{}, err
	}
	ctx = cloudhttp.OneToken(ctx) // what one token is not shown, another may be
	got, err := p.reservedIP(ctx, op, a.IP)
	if err == nil && got.unshown {
		err = p.seesDroplets(ctx, op)
	}
	return got.assignment(), err
}

// assignment is an address in the words of the contract.
func (r reservedIP) assignment() providers.Assignment {
	if r.holder == nil {
		return providers.Assignment{Pending: r.locked}
	}
	return providers.Assignment{Target: target(r.holder.id), PrivateAddresses: r.holder.private, Pending: r.locked}
}

// Assign implements providers.Provider: one write that moves a to the droplet
// whoever holds it. DigitalOcean has no conditional form, so seen changes nothing.
func (p *Provider) Assign(ctx context.Context, a providers.Address, to providers.Target, _ providers.Assignment) (providers.Result, error) {
	op := fmt.Sprintf("assign %s to %s", a, to)
	if err := checkAddress(op, a); err != nil {
		return providers.Result{}, err
	}
	id, err := dropletID(op, to)
	if err != nil {
		return providers.Result{}, err
	}
	return p.act(ctx, op, a.IP, assignRequest(id))
}

// Release implements providers.Releaser. The API cannot say from whom: it unbinds
// the address whoever holds it, so that from is only checked for its form.
func (p *Provider) Release(ctx context.Context, a providers.Address, from providers.Target) (providers.Result, error) {
	op := fmt.Sprintf("release %s from %s", a, from)
	if err := checkAddress(op, a); err != nil {
		return providers.Result{}, err
	}
	if _, err := dropletID(op, from); err != nil {
		return providers.Result{}, err
	}
	return p.act(ctx, op, a.IP, unassignRequest())
}

// InstanceState implements providers.Inspector. Only the API's own "not found"
// means gone; a 404 from anything in between is an error.
func (p *Provider) InstanceState(ctx context.Context, t providers.Target) (providers.InstanceState, error) {
	op := "read state of " + t.String()
	id, err := dropletID(op, t)
	if err != nil {
		return providers.InstanceUnknown, err
	}
	d, err := p.droplet(ctx, op, id)
	switch {
	case providers.KindOf(err) == providers.NotFound:
		return providers.InstanceGone, nil
	case err != nil:
		return providers.InstanceUnknown, err
	}
	switch d.status {
	case "new", "active":
		return providers.InstanceRunning, nil
	case "off", "archive":
		return providers.InstanceStopped, nil
	default:
		return providers.InstanceUnknown, nil
	}
}

// Placement implements providers.Placer. DigitalOcean tells the region and no more:
// neither hosts nor groups that keep droplets apart.
func (p *Provider) Placement(ctx context.Context, t providers.Target) (providers.Placement, error) {
	op := "read placement of " + t.String()
	id, err := dropletID(op, t)
	if err != nil {
		return providers.Placement{}, err
	}
	d, err := p.droplet(ctx, op, id)
	return providers.Placement{Zone: d.region}, err
}

// Operation implements providers.Tracker. Actions of some addresses (BYOIP) can
// never be queried, and a token may lack the scope: both are OperationUnknown.
func (p *Provider) Operation(ctx context.Context, a providers.Address, r providers.Result) (providers.OperationState, error) {
	op := fmt.Sprintf("read operation %s of %s", r.Operation, a)
	if err := checkAddress(op, a); err != nil {
		return providers.OperationUnknown, err
	}
	id, err := strconv.ParseInt(r.Operation, 10, 64)
	if err != nil || id <= 0 {
		return providers.OperationUnknown, nil
	}
	status, err := p.action(ctx, op, a.IP, id)
	switch kind := providers.KindOf(err); {
	case err != nil && (kind == providers.NotFound || kind == providers.Denied):
		return providers.OperationUnknown, nil
	case err != nil:
		return providers.OperationUnknown, err
	}
	switch status {
	case "completed", "done": // "done" was answered for some hours in September 2021
		return providers.OperationDone, nil
	case "errored":
		return providers.OperationFailed, nil
	default:
		return providers.OperationPending, nil
	}
}

// checkAddress refuses what the driver cannot move before anything is sent.
func checkAddress(op string, a providers.Address) error {
	switch {
	case a.Kind != KindReservedIP:
		return refuse(op, providers.Unsupported, "kind %q; only %s is known", a.Kind, KindReservedIP)
	case !a.IP.IsValid() || a.IP.Zone() != "" || a.IP.Is4In6():
		return refuse(op, providers.Invalid, "%q is not a plain IP address", a.IP)
	}
	return nil
}

// target returns the target that is the droplet with this id.
func target(id int64) providers.Target {
	return providers.Target{Instance: strconv.FormatInt(id, 10)}
}

// dropletID returns the droplet that t names. Anything that would not come back
// as the same target from an owner read is refused.
func dropletID(op string, t providers.Target) (int64, error) {
	id, err := strconv.ParseInt(t.Instance, 10, 64)
	if err != nil || id <= 0 || target(id) != t {
		return 0, refuse(op, providers.Invalid, "target %q is not a droplet id", t)
	}
	return id, nil
}

// Allowance implements providers.Rationer.
func (p *Provider) Allowance() (providers.Allowance, bool) {
	rest, known := p.rest()
	return providers.Allowance{
		Limit: rest.Limit, Remaining: rest.Remaining, Window: rateWindow, Reset: rest.Reset, Calls: rest.Sent, Told: rest.Told,
	}, known
}
