// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/digitalocean/godo"

	"github.com/fipctl/fipctl/pkg/providers"
)

// actionsPerPage is how many of a droplet's actions are looked at, newest first.
// More than one pending action per droplet does not happen.
const actionsPerPage = 20

// api is the part of the SDK in use, behind one plain function value. The SDK
// builds and addresses the requests; its typed calls are not used, because they
// cannot tell `"droplet": null` from no droplet at all, drop the id of an error,
// and lose the request id of an answer that does not decode.
type api struct {
	call func(ctx context.Context, method, path string, body any) (reply, error)
}

// reply is one complete answer of the API.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// newAPI binds the SDK to a client and a base URL that ends in a slash. The SDK's
// own retries, which include POST, stay off.
func newAPI(client *http.Client, base *url.URL) api {
	sdk := godo.NewClient(client)
	sdk.BaseURL = base
	return api{call: func(ctx context.Context, method, path string, body any) (reply, error) {
		req, err := sdk.NewRequest(ctx, method, path, body)
		if err != nil {
			return reply{}, err
		}
		resp, err := godo.DoRequestWithClient(ctx, client, req)
		if err != nil {
			return reply{}, err
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		return reply{resp.StatusCode, resp.Header, data}, err
	}}
}

// addressPath: "Retrieve an Existing Reserved IP" and "Retrieve an Existing
// Reserved IPv6". The plural differs; the address is canonical.
func addressPath(ip netip.Addr) string {
	if ip.Is4() {
		return "v2/reserved_ips/" + ip.String()
	}
	return "v2/reserved_ipv6/" + ip.String()
}

// listPath: "List All Reserved IPs" and "List All Reserved IPv6s".
func listPath(six bool, page int) string {
	family := "v2/reserved_ips"
	if six {
		family = "v2/reserved_ipv6"
	}
	return fmt.Sprintf("%s?page=%d&per_page=%d", family, page, perPage)
}

// dropletPath: "Retrieve an Existing Droplet".
func dropletPath(id int64) string { return fmt.Sprintf("v2/droplets/%d", id) }

// someDropletPath: "List All Droplets", of which one is enough.
const someDropletPath = "v2/droplets?per_page=1"

// dropletActionsPath: "List Actions for a Droplet", newest first.
func dropletActionsPath(id int64) string {
	return fmt.Sprintf("v2/droplets/%d/actions?per_page=%d", id, actionsPerPage)
}

// actionPath: "Retrieve an Existing Reserved IP Action", which needs no scope
// beyond reading the address; v6 has no such call and uses "Retrieve an Existing
// Action".
func actionPath(ip netip.Addr, id int64) string {
	if ip.Is4() {
		return fmt.Sprintf("%s/actions/%d", addressPath(ip), id)
	}
	return fmt.Sprintf("v2/actions/%d", id)
}

// assignRequest: "Initiate a Reserved IP Action", assign.
func assignRequest(droplet int64) godo.ActionRequest {
	return godo.ActionRequest{"type": "assign", "droplet_id": droplet}
}

// unassignRequest: "Initiate a Reserved IP Action", unassign.
func unassignRequest() godo.ActionRequest { return godo.ActionRequest{"type": "unassign"} }

// reservedIP reads one address. Whether nobody holds one that is unshown, seesDroplets tells.
func (p *Provider) reservedIP(ctx context.Context, op string, ip netip.Addr) (got reservedIP, err error) {
	err = p.get(ctx, op, addressPath(ip), func(body []byte) (err error) {
		got, err = decodeReservedIP(body, ip)
		return err
	})
	return got, err
}

// droplet reads one droplet.
func (p *Provider) droplet(ctx context.Context, op string, id int64) (got droplet, err error) {
	err = p.get(ctx, op, dropletPath(id), func(body []byte) (err error) {
		got, err = decodeDroplet(body, id)
		return err
	})
	return got, err
}

// seesDroplets returns an error unless the token may see droplets: the list shows it one,
// for the account that holds the address has the nodes. It is asked each time, and nothing
// remembers it, since the token may be another one by the next read; that of ctx is the
// one which the address was read with (cloudhttp.OneToken).
func (p *Provider) seesDroplets(ctx context.Context, op string) error {
	err := p.get(ctx, op, someDropletPath, decodeDroplets)
	if err == nil {
		return nil
	}
	e := *err.(*providers.Error)
	if e.Err == nil {
		e.Err = errors.New("refused")
	}
	e.Err = fmt.Errorf("the answer names no droplet, and whether the token may see droplets (scope droplet:read) is not certain: %w", e.Err)
	return &e
}

// pendingActions reads the types of what a droplet is working on.
func (p *Provider) pendingActions(ctx context.Context, op string, id int64) (pending []string, err error) {
	err = p.get(ctx, op, dropletActionsPath(id), func(body []byte) (err error) {
		pending, err = decodePendingActions(body)
		return err
	})
	return pending, err
}

// action reads the status of one action.
func (p *Provider) action(ctx context.Context, op string, ip netip.Addr, id int64) (status string, err error) {
	err = p.get(ctx, op, actionPath(ip, id), func(body []byte) error {
		got, err := decodeAction(body)
		if err == nil && got.ID != id {
			err = fmt.Errorf("action.id: asked for %d, got %d", id, got.ID)
		}
		status = got.Status
		return err
	})
	return status, err
}

// act posts one action on an address. An answer that does not show an accepted
// action leaves open whether there is one.
func (p *Provider) act(ctx context.Context, op string, ip netip.Addr, request any) (providers.Result, error) {
	got, err := p.exchange(ctx, op, http.MethodPost, addressPath(ip)+"/actions", request)
	if err != nil {
		return providers.Result{}, err
	}
	accepted, err := decodeAction(got.body)
	if err != nil {
		return providers.Result{}, got.unread(op, providers.Ambiguous, err)
	}
	return providers.Result{RequestID: got.requestID(), Operation: strconv.FormatInt(accepted.ID, 10)}, nil
}

// get makes one read and hands its body to decode. What decode refuses counts as
// no answer: Transient, since a read has no effect to be unsure of.
func (p *Provider) get(ctx context.Context, op, path string, decode func([]byte) error) error {
	got, err := p.exchange(ctx, op, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := decode(got.body); err != nil {
		return got.unread(op, providers.Transient, err)
	}
	return nil
}

// exchange makes one call and classifies whatever is not a success.
func (p *Provider) exchange(ctx context.Context, op, method, path string, body any) (reply, error) {
	if ctx.Err() != nil {
		return reply{}, &providers.Error{Provider: Name, Op: op, Kind: providers.Canceled, Err: context.Cause(ctx)}
	}
	write := method != http.MethodGet
	got, err := p.api.call(ctx, method, path, body)
	switch {
	case err != nil:
		return reply{}, lost(ctx, op, write, err)
	case got.status < 200 || got.status > 299:
		return reply{}, refusal(op, write, got, p.now())
	}
	return got, nil
}
