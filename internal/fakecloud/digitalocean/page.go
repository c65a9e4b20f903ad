// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"fmt"
	"net/http"
	"strconv"
)

// The documented page sizes.
const (
	perPageDefault = 20
	perPageMax     = 200
)

// paged answers with one page of docs under key, with links to the others.
func paged[T any](r *request, key string, docs []T) reply {
	per := min(positive(r.Query.Get("per_page"), perPageDefault), perPageMax)
	pages := max((len(docs)+per-1)/per, 1)
	// Beyond the last page there is nothing; the bound keeps the product small.
	page := min(positive(r.Query.Get("page"), 1), pages+1)
	from, to := min((page-1)*per, len(docs)), min(page*per, len(docs))
	return reply{http.StatusOK, map[string]any{
		key:     docs[from:to],
		"links": links(r, page, pages, per),
		"meta":  map[string]int{"total": len(docs)},
	}}
}

// links names the first and previous, and the next and last page, as far as there
// are any.
func links(r *request, page, pages, per int) map[string]any {
	to := func(p int) string {
		return fmt.Sprintf("https://api.digitalocean.com%s?page=%d&per_page=%d", r.Path, p, per)
	}
	l := map[string]string{}
	if page > 1 {
		l["first"], l["prev"] = to(1), to(page-1)
	}
	if page < pages {
		l["next"], l["last"] = to(page+1), to(pages)
	}
	if len(l) == 0 {
		return map[string]any{}
	}
	return map[string]any{"pages": l}
}

func positive(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return otherwise
}
