// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"context"
	"encoding/json"
	"net/netip"
	"sync"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

const (
	// perPage is the largest page there is ("Links & Pagination").
	perPage = 200
	// pagesMax bounds the pages of one family that are looked at: 1,000 addresses,
	// where an account has three unless it asked for more. Addresses beyond are read
	// one by one.
	pagesMax = 5
)

// Owners implements providers.BatchReader. The addresses of a family are looked up in
// the list of the account's addresses, one call while those fit a page; a single
// address is read by itself. What the list does not tell beyond doubt is read by
// itself as well: an address that is not in it, since pages shift while they are
// turned and lists may leave addresses of a customer's own prefix out; and one that
// is in it twice with two holders. The next time that happens beside the list.
func (p *Provider) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	readings := make([]providers.Reading, len(as))
	var families [2][]int
	for i, a := range as {
		if readings[i].Err = checkAddress("read owner of "+a.String(), a); readings[i].Err != nil {
			continue
		}
		family := 0
		if a.IP.Is6() {
			family = 1
		}
		families[family] = append(families[family], i)
	}
	for _, wanted := range families {
		p.readFamily(ctx, as, wanted, readings)
	}
	return readings
}

// readFamily reads the addresses of one family, of which wanted are the places.
func (p *Provider) readFamily(ctx context.Context, as []providers.Address, wanted []int, readings []providers.Reading) {
	keys := make([]string, len(wanted))
	for k, i := range wanted {
		keys[k] = as[i].IP.String()
	}
	list := func(places []int) (left []int) {
		ctx := cloudhttp.OneToken(ctx) // as for Owner
		some := make([]int, len(places))
		for k, place := range places {
			some[k] = wanted[place]
		}
		found := map[netip.Addr]listed{}
		failed := p.list(ctx, as, some, found)
		unseeing := sync.OnceValue(func() error { return p.unseeing(ctx, found) })
		for _, place := range places {
			r := &readings[wanted[place]]
			entry, ok := found[as[wanted[place]].IP]
			switch {
			case ok && !entry.doubtful && entry.address.unshown && unseeing() != nil:
				r.Err = unseeing()
			case ok && !entry.doubtful:
				r.Assignment, r.Err = entry.address.assignment(), entry.err
			case failed != nil:
				r.Err = failed
			default:
				left = append(left, place)
			}
		}
		return left
	}
	p.omitted.Read(keys, list, func(place int) bool {
		r := &readings[wanted[place]]
		r.Assignment, r.Err = p.Owner(ctx, as[wanted[place]])
		return r.Err == nil
	})
}

// unseeing returns why it is not certain that the token may see droplets, after an answer
// with an address that names none. One that names the holder of any address proves it.
func (p *Provider) unseeing(ctx context.Context, found map[netip.Addr]listed) error {
	for _, l := range found {
		if l.address.holder != nil {
			return nil
		}
	}
	return p.seesDroplets(ctx, "list reserved IPv6 addresses")
}

// listed is an address of a list: what it says, or why that is no answer.
type listed struct {
	address  reservedIP
	err      error
	doubtful bool // it is there twice, and not the same
}

// list reads pages into found until every wanted address is there or no page is left.
// The links of an answer are not followed, since each request carries the token; they
// only tell whether there is another page.
func (p *Provider) list(ctx context.Context, as []providers.Address, wanted []int, found map[netip.Addr]listed) error {
	op, six := "list reserved IPv4 addresses", as[wanted[0]].IP.Is6()
	if six {
		op = "list reserved IPv6 addresses"
	}
	for page, more := 1, true; more && page <= pagesMax && !complete(as, wanted, found); page++ {
		got, err := p.exchange(ctx, op, "GET", listPath(six, page), nil)
		if err != nil {
			return err
		}
		if more, err = decodeList(got, op, six, found); err != nil {
			return got.unread(op, providers.Transient, err)
		}
	}
	return nil
}

func complete(as []providers.Address, wanted []int, found map[netip.Addr]listed) bool {
	for _, i := range wanted {
		if _, ok := found[as[i].IP]; !ok {
			return false
		}
	}
	return true
}

// decodeList adds the addresses of one page to found and reports whether another page
// follows. An entry that cannot be read is passed over: it may be of any address, and
// those that are missed are asked for by themselves. The reference names the list of v6
// addresses differently in its schema and in its sample.
func decodeList(got reply, op string, six bool, found map[netip.Addr]listed) (more bool, err error) {
	var doc struct {
		V4    *[]json.RawMessage `json:"reserved_ips"`
		V6    *[]json.RawMessage `json:"reserved_ipv6s"`
		Links struct {
			Pages struct {
				Next string `json:"next"`
			} `json:"pages"`
		} `json:"links"`
	}
	if err := cloudhttp.Decode(got.body, &doc); err != nil {
		return false, err
	}
	name, list := "reserved_ips", doc.V4
	if six && doc.V6 != nil {
		list = doc.V6
	}
	if six {
		name = "reserved_ipv6s"
	}
	if list == nil {
		return false, missing(name)
	}
	for _, data := range *list {
		var o reservedObject
		if err := cloudhttp.Decode(data, &o); err != nil || o.IP == nil {
			continue
		}
		ip, err := netip.ParseAddr(*o.IP)
		if err != nil {
			continue
		}
		var entry listed
		if entry.address, err = o.read(name+"."+ip.String(), ip); err != nil {
			entry.err = got.problem(op, providers.Transient, err)
		}
		if before, ok := found[ip]; ok && !before.agrees(entry) {
			entry.doubtful = true
		}
		found[ip] = entry
	}
	return doc.Links.Pages.Next != "", nil
}

// agrees reports whether two entries of one address say the same.
func (l listed) agrees(other listed) bool {
	a, b := l.address, other.address
	return !l.doubtful && l.err == nil && other.err == nil &&
		a.assignment().Target == b.assignment().Target && a.unshown == b.unshown && a.locked == b.locked
}
