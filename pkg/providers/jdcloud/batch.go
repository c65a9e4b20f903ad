// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/fipctl/fipctl/pkg/providers"
)

// pageMax is the largest page of a list, and so the most EIPs that one call is asked for.
const pageMax = 100

// Owners implements providers.BatchReader: one call for up to pageMax EIPs. A single one
// is read by itself, and so is each that a list does not tell beyond doubt: that is not
// in it, in it twice, or cannot be read there. So are all, if the access key may read
// EIPs and not list them, which are two permissions. The next time that happens beside
// the list.
func (p *eip) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	readings := make([]providers.Reading, len(as))
	var keys []string
	places := map[string][]int{} // by the EIP
	for i, a := range as {
		if readings[i].Err = checkAddress("read owner of "+a.String(), providers.KindEIP, a); readings[i].Err != nil {
			continue
		}
		if places[a.ID] == nil {
			keys = append(keys, a.ID)
		}
		places[a.ID] = append(places[a.ID], i)
	}
	list := func(wanted []int) (left []int) {
		for some := range slices.Chunk(wanted, pageMax) {
			left = append(left, p.readListed(ctx, as, keys, some, places, readings)...)
		}
		return left
	}
	p.omitted.Read(keys, list, func(k int) (worked bool) {
		for _, i := range places[keys[k]] {
			readings[i].Assignment, readings[i].Err = p.Owner(ctx, as[i])
			worked = worked || readings[i].Err == nil
		}
		return worked
	})
	return readings
}

// readListed reads some of the EIPs in one call, and returns those of which it tells nothing.
func (p *eip) readListed(ctx context.Context, as []providers.Address, keys []string, some []int, places map[string][]int, readings []providers.Reading) (left []int) {
	ids := make([]string, len(some))
	for n, k := range some {
		ids[n] = keys[k]
	}
	found := map[string]*elasticIP{}
	failed := p.list(ctx, ids, found)
	if providers.KindOf(failed) == providers.Denied {
		return some
	}
	for _, k := range some {
		e := found[keys[k]]
		if e == nil && failed == nil {
			left = append(left, k)
			continue
		}
		for _, i := range places[keys[k]] {
			r := &readings[i]
			if r.Err = failed; failed != nil {
				continue
			}
			if r.Err = e.is("read owner of "+as[i].String(), as[i]); r.Err == nil {
				r.Assignment = e.assignment()
			}
		}
	}
	return left
}

// list: "describeElasticIps". It adds what is beyond doubt to found. Without the filter
// of the type EIPs of edge zones would be left out. A page past the end repeats the last
// one, so no page is asked for but the first, which holds all.
func (p *eip) list(ctx context.Context, ids []string, found map[string]*elasticIP) error {
	var doc elasticIPsResult
	query := filters("elasticIpIds", ids, "ipType", []string{"all"})
	query.Set("pageNumber", "1")
	query.Set("pageSize", strconv.Itoa(pageMax))
	err := p.get(ctx, fmt.Sprintf("list %d EIPs", len(ids)), call{
		service: "vpc", operation: "describeElasticIps", path: "/elasticIps/", query: query,
	}, &doc)
	if err != nil {
		return err
	}
	twice := map[string]bool{}
	for i := range *doc.ElasticIPs {
		e := &(*doc.ElasticIPs)[i]
		_, again := found[e.ID]
		twice[e.ID] = twice[e.ID] || again
		if e.check("elasticIps") == nil {
			found[e.ID] = e
		} else {
			twice[e.ID] = true
		}
	}
	for id, doubtful := range twice {
		if doubtful {
			delete(found, id)
		}
	}
	return nil
}

// elasticIPsResult: the list, which may be null or left out where the count says that it is
// empty. What it does not tell is read by itself.
type elasticIPsResult struct {
	ElasticIPs *[]elasticIP `json:"elasticIps"`
	Total      *int         `json:"totalCount"`
}

func (r *elasticIPsResult) check() error {
	switch {
	case r.ElasticIPs != nil:
		return nil
	case r.Total == nil || *r.Total != 0:
		return missing("elasticIps")
	}
	r.ElasticIPs = &[]elasticIP{}
	return nil
}

// filters returns the query for filters of lists of values, given as pairs.
func filters(pairs ...any) url.Values {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		at := fmt.Sprintf("filters.%d.", i/2+1)
		query.Set(at+"name", pairs[i].(string))
		for j, value := range pairs[i+1].([]string) {
			query.Set(fmt.Sprintf("%svalues.%d", at, j+1), value)
		}
	}
	return query
}
