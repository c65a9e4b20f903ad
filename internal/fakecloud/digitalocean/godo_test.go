// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/digitalocean/godo"

	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
)

// newGodo is the vendor's client without its retries.
func newGodo(w *world) *godo.Client {
	client, err := godo.New(http.DefaultClient, godo.SetBaseURL(w.url+"/"),
		godo.SetRequestHeaders(map[string]string{"Authorization": "Bearer token-b"}))
	w.must(err)
	return client
}

func TestTheVendorsClientUnderstandsTheFake(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	ctx, client := t.Context(), newGodo(w)
	const ip = "203.0.113.10"

	if account, _, err := client.Account.Get(ctx); err != nil || account.Status != "active" {
		t.Errorf("account: got %+v, %v", account, err)
	}
	list, resp, err := client.ReservedIPs.List(ctx, &godo.ListOptions{PerPage: 2})
	if err != nil || len(list) != 2 || resp.Links.IsLastPage() || resp.Meta.Total != 3 || resp.Rate.Limit != 5000 {
		t.Errorf("list: got %v, %+v, %v", list, resp, err)
	}
	action, _, err := client.ReservedIPActions.Assign(ctx, ip, 1002)
	w.must(err)
	_, resp, err = client.ReservedIPActions.Assign(ctx, ip, 1002)
	var refused *godo.ErrorResponse
	if !errors.As(err, &refused) || resp.StatusCode != 422 || refused.RequestID == "" ||
		refused.Message != "The floating IP already has a pending event." {
		t.Errorf("while it is locked: got %v", err)
	}
	w.advance(fakedo.OperationDelay)
	action, _, err = client.ReservedIPActions.Get(ctx, ip, action.ID)
	if err != nil || action.Status != godo.ActionCompleted || action.CompletedAt == nil {
		t.Errorf("action: got %v, %v", action, err)
	}
	got, _, err := client.ReservedIPs.Get(ctx, ip)
	if err != nil || got.Droplet == nil || got.Droplet.ID != 1002 || got.Locked || got.Region.Slug != "nyc3" {
		t.Errorf("address: got %v, %v", got, err)
	}
	droplet, _, err := client.Droplets.Get(ctx, 1002)
	w.must(err)
	if private, err := droplet.PrivateIPv4(); err != nil || private != "10.0.4.21" {
		t.Errorf("private address: got %s, %v", private, err)
	}
	if _, _, err := client.Droplets.Actions(ctx, 1002, nil); err != nil {
		t.Errorf("events: %v", err)
	}
	if _, resp, err := client.ReservedIPs.Get(ctx, "192.0.2.9"); err == nil || resp.StatusCode != 404 {
		t.Errorf("unknown address: got %v", err)
	}
}

func TestTheVendorsClientUnderstandsIPv6(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	ctx, client := t.Context(), newGodo(w)
	const ip = "2001:db8::42"

	action, _, err := client.ReservedIPV6Actions.Assign(ctx, ip, 1002)
	w.must(err)
	w.advance(fakedo.OperationDelay)
	action, _, err = client.Actions.Get(ctx, action.ID)
	if err != nil || action.Status != godo.ActionCompleted {
		t.Errorf("action: got %v, %v", action, err)
	}
	got, _, err := client.ReservedIPV6s.Get(ctx, ip)
	if err != nil || got.Droplet == nil || got.Droplet.ID != 1002 || got.RegionSlug != "nyc3" {
		t.Errorf("address: got %v, %v", got, err)
	}
	if _, _, err := client.ReservedIPV6Actions.Unassign(ctx, ip); err != nil {
		t.Errorf("unassign: %v", err)
	}
	list, _, err := client.ReservedIPV6s.List(ctx, nil)
	if err != nil || len(list) != 1 {
		t.Errorf("list: got %v, %v", list, err)
	}
}
