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
// EIPs and not list them, which are two permissions.
func (p *eip) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	readings := make([]providers.Reading, len(as))
	var wanted []int
	var ids []string
	for i, a := range as {
		readings[i].Err = checkAddress("read owner of "+a.String(), providers.KindEIP, a)
		if readings[i].Err != nil {
			continue
		}
		wanted = append(wanted, i)
		if !slices.Contains(ids, a.ID) {
			ids = append(ids, a.ID)
		}
	}
	found, failed := map[string]*elasticIP{}, map[string]error{}
	for some := range slices.Chunk(ids, pageMax) {
		if len(ids) == 1 {
			break
		}
		if err := p.list(ctx, some, found); err != nil && providers.KindOf(err) != providers.Denied {
			for _, id := range some {
				failed[id] = err
			}
		}
	}
	for _, i := range wanted {
		r, a := &readings[i], as[i]
		switch e := found[a.ID]; {
		case failed[a.ID] != nil:
			r.Err = failed[a.ID]
		case e == nil:
			r.Assignment, r.Err = p.Owner(ctx, a)
		default:
			if r.Err = e.is("read owner of "+a.String(), a); r.Err == nil {
				r.Assignment = e.assignment()
			}
		}
	}
	return readings
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

type elasticIPsResult struct {
	ElasticIPs *[]elasticIP `json:"elasticIps"`
}

func (r elasticIPsResult) check() error {
	if r.ElasticIPs == nil {
		return missing("elasticIps")
	}
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
