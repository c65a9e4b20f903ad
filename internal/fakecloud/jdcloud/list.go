// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"slices"
	"strconv"
	"strings"
)

// The documented page sizes.
const (
	pageSizeDefault = 20
	pageSizeMin     = 10
	pageSizeMax     = 100
)

// list is a page of a collection, under the name that the API has for it.
func list[T any](r *request, name string, all []T) reply {
	size, ok := r.number("pageSize", pageSizeDefault)
	if !ok || size < pageSizeMin || size > pageSizeMax {
		return invalid("Request parameter pageSize is '%s', expected one of [%d..%d]",
			r.Query.Get("pageSize"), pageSizeMin, pageSizeMax)
	}
	page, ok := r.number("pageNumber", 1)
	if !ok || page < 1 {
		return invalid("Request parameter pageNumber is '%s', expected one of [1..]", r.Query.Get("pageNumber"))
	}
	// A page past the end is the last page.
	page = min(page, max((len(all)+size-1)/size, 1))
	from := (page - 1) * size
	docs := append([]T{}, all[from:min(from+size, len(all))]...) // not null when empty
	return reply{result: map[string]any{name: docs, "totalCount": len(all)}}
}

func (r *request) number(name string, otherwise int) (n int, ok bool) {
	text := r.Query.Get(name)
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// filters are the wanted values by the name of the filter.
type filters map[string][]string

// filters reads filters.N.name and filters.N.values.M of the query. One of another
// name than those known is refused, so that a misspelled one cannot go unnoticed.
func (r *request) filters(known ...string) (filters, *reply) {
	f := filters{}
	for key := range r.Query {
		n, ok := strings.CutPrefix(key, "filters.")
		n, isName := strings.CutSuffix(n, ".name")
		if !ok || !isName {
			continue
		}
		name := r.Query.Get(key)
		if op := r.Query.Get("filters." + n + ".operator"); !slices.Contains(known, name) || op != "" && op != "eq" && op != "in" {
			re := invalid("Request parameter filters.%s is '%s %s', expected one of %v", n, name, op, known)
			return nil, &re
		}
		f[name] = []string{} // a filter without values selects nothing
		for m := 1; r.Query.Has("filters." + n + ".values." + strconv.Itoa(m)); m++ {
			f[name] = append(f[name], r.Query.Get("filters."+n+".values."+strconv.Itoa(m)))
		}
	}
	return f, nil
}

// allow reports whether nothing was asked for by this name or the value was.
func (f filters) allow(name, value string) bool {
	values, asked := f[name]
	return !asked || slices.Contains(values, value)
}

// allowPart is allow for filters that select by a part of the value.
func (f filters) allowPart(name, value string) bool {
	values, asked := f[name]
	return !asked || slices.ContainsFunc(values, func(v string) bool { return strings.Contains(value, v) })
}

// wants reports whether the value was asked for by this name.
func (f filters) wants(name, value string) bool { return slices.Contains(f[name], value) }
