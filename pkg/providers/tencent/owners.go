// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"slices"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// found are the things that one call listed, by id.
type found[T any] struct {
	requestID string
	byID      map[string]T
}

// index sorts a list by id. An entry without one is an error: it may be the one that
// is looked for. So are two with one id: which of them is true is not told.
func index[T any](op, requestID, field string, list []*T, id func(*T) *string) (found[*T], error) {
	f := found[*T]{requestID: requestID, byID: map[string]*T{}}
	for _, v := range list {
		if v == nil || text(id(v)) == "" {
			return found[*T]{}, unreadable(op, requestID, missing(field))
		}
		if _, twice := f.byID[*id(v)]; twice {
			return found[*T]{}, unreadable(op, requestID, wrong(field, "%s is in the list twice", cloudhttp.Quote(*id(v))))
		}
		f.byID[*id(v)] = v
	}
	return f, nil
}

// reader reads owners of one kind, of which each address has the id of a thing T.
type reader[T any] struct {
	cloud     *Cloud
	check     func(op string, a providers.Address) error
	describe  func(ctx context.Context, op string, ids []string) (found[T], error)
	translate func(op, requestID string, a providers.Address, v T) (providers.Assignment, error)
}

// owner reads one address.
func (r reader[T]) owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	op := "read owner of " + a.String()
	v, id, err := r.one(ctx, op, a)
	if err != nil {
		return providers.Assignment{}, err
	}
	return r.translate(op, id, a, v)
}

// one reads the one thing that an address's id names.
func (r reader[T]) one(ctx context.Context, op string, a providers.Address) (v T, requestID string, err error) {
	if err := r.check(op, a); err != nil {
		return v, "", err
	}
	f, err := r.describe(ctx, op, []string{a.ID})
	if err != nil {
		return v, "", err
	}
	v, ok := f.byID[a.ID]
	if !ok {
		return v, "", r.cloud.absent(ctx, op, a.ID, f.requestID)
	}
	return v, f.requestID, nil
}

// owners reads many addresses, idsMax ids a call.
func (r reader[T]) owners(ctx context.Context, as []providers.Address) []providers.Reading {
	out := make([]providers.Reading, len(as))
	var ids []string
	for i, a := range as {
		if out[i].Err = r.check("read owner of "+a.String(), a); out[i].Err == nil {
			ids = append(ids, a.ID)
		}
	}
	slices.Sort(ids)
	for chunk := range slices.Chunk(slices.Compact(ids), idsMax) {
		f, failed := r.describe(ctx, "read owners of "+chunk[0]+" and others", chunk)
		for i, a := range as {
			if out[i].Err == nil && slices.Contains(chunk, a.ID) {
				out[i].Assignment, out[i].Err = r.reading(ctx, a, f, failed)
			}
		}
	}
	return out
}

// reading is what a call for many says of one address. A call that one id may have
// spoiled for all (some answers refuse unknown ids, a policy may allow single resources) is
// made again for each.
func (r reader[T]) reading(ctx context.Context, a providers.Address, f found[T], failed error) (providers.Assignment, error) {
	op := "read owner of " + a.String()
	switch providers.KindOf(failed) {
	case providers.NotFound, providers.Invalid:
		return r.owner(ctx, a)
	case providers.Denied:
		if byPolicy(failed) {
			return r.owner(ctx, a)
		}
	}
	if failed != nil {
		return providers.Assignment{}, failed
	}
	v, ok := f.byID[a.ID]
	if !ok {
		return providers.Assignment{}, r.cloud.absent(ctx, op, a.ID, f.requestID)
	}
	return r.translate(op, f.requestID, a, v)
}

// absent is the error for an id that is not in a complete answer: the services leave
// out what they do not know and what a credential may not see.
func (c *Cloud) absent(ctx context.Context, op, id, requestID string) error {
	e := refuse(op, providers.NotFound, "%s does not exist in %s, or this credential may not see it; check the id and the %s", id, c.here(ctx), OptionRegion)
	e.RequestID = requestID
	return e
}

// here names the region in a text.
func (c *Cloud) here(ctx context.Context) string {
	if region, err := c.cfg.Region(ctx); err == nil && region != "" {
		return region
	}
	return "this region"
}
