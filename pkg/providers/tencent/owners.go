// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"slices"

	"github.com/fipctl/fipctl/pkg/providers"
)

// found are the things that one call listed, by id.
type found[T any] struct {
	requestID string
	byID      map[string]T
}

// index sorts a list by id. An entry without one is an error: it may be the one that
// is looked for.
func index[T any](op, requestID, field string, list []*T, id func(*T) *string) (found[*T], error) {
	f := found[*T]{requestID: requestID, byID: map[string]*T{}}
	for _, v := range list {
		if v == nil || text(id(v)) == "" {
			return found[*T]{}, unreadable(op, requestID, missing(field))
		}
		f.byID[*id(v)] = v
	}
	return f, nil
}

// The three steps of an owner read: what is refused unread, the call for some ids,
// and what one of the things listed says.
type (
	checker           func(op string, a providers.Address) error
	describer[T any]  func(ctx context.Context, op string, ids []string) (found[T], error)
	translator[T any] func(op, requestID string, a providers.Address, v T) (providers.Assignment, error)
)

// ownerOf reads one address.
func ownerOf[T any](ctx context.Context, a providers.Address, check checker, describe describer[T], translate translator[T]) (providers.Assignment, error) {
	op := "read owner of " + a.String()
	v, id, err := one(ctx, op, a, check, describe)
	if err != nil {
		return providers.Assignment{}, err
	}
	return translate(op, id, a, v)
}

// one reads the one thing that an address's id names.
func one[T any](ctx context.Context, op string, a providers.Address, check checker, describe describer[T]) (v T, requestID string, err error) {
	if err := check(op, a); err != nil {
		return v, "", err
	}
	f, err := describe(ctx, op, []string{a.ID})
	if err != nil {
		return v, "", err
	}
	v, ok := f.byID[a.ID]
	if !ok {
		return v, "", absent(op, a, f.requestID)
	}
	return v, f.requestID, nil
}

// absent is the error for an id that is not in a complete answer: the services leave
// out what they do not know and what a credential may not see.
func absent(op string, a providers.Address, requestID string) error {
	e := refuse(op, providers.NotFound, "%s does not exist in this region, or this credential may not see it; check the id and %s", a.ID, OptionRegion)
	e.RequestID = requestID
	return e
}

// ownersOf reads many addresses, idsMax ids a call. A call that one id spoils for all
// (some services refuse unknown ids) is made again for each address.
func ownersOf[T any](ctx context.Context, as []providers.Address, check checker, describe describer[T], translate translator[T]) []providers.Reading {
	out := make([]providers.Reading, len(as))
	var ids []string
	for i, a := range as {
		if out[i].Err = check("read owner of "+a.String(), a); out[i].Err == nil {
			ids = append(ids, a.ID)
		}
	}
	slices.Sort(ids)
	for chunk := range slices.Chunk(slices.Compact(ids), idsMax) {
		f, failed := describe(ctx, "read owners of "+chunk[0]+" and others", chunk)
		for i, a := range as {
			if out[i].Err != nil || !slices.Contains(chunk, a.ID) {
				continue
			}
			out[i].Assignment, out[i].Err = readingOf(ctx, a, f, failed, check, describe, translate)
		}
	}
	return out
}

// readingOf is what a call for many says of one address.
func readingOf[T any](ctx context.Context, a providers.Address, f found[T], failed error, check checker, describe describer[T], translate translator[T]) (providers.Assignment, error) {
	op := "read owner of " + a.String()
	switch providers.KindOf(failed) {
	case providers.NotFound, providers.Invalid:
		return ownerOf(ctx, a, check, describe, translate)
	}
	if failed != nil {
		return providers.Assignment{}, failed
	}
	v, ok := f.byID[a.ID]
	if !ok {
		return providers.Assignment{}, absent(op, a, f.requestID)
	}
	return translate(op, f.requestID, a, v)
}
