// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

// Three kinds of address at two clouds that do not exist.
func oneCall() offer {
	return offer{provider: "north", kind: "moved", tables: 1, takes: time.Second, capabilities: providers.Capabilities{AtomicMove: true}}
}

func twoCalls() offer {
	return offer{provider: "south", kind: "passed", tables: 1, takes: 2 * time.Second}
}

func announced() offer {
	return offer{provider: "south", kind: "announced", tables: 1, takes: time.Second,
		capabilities: providers.Capabilities{MovesWithoutAPI: true, Guest4: providers.GuestAnnounce}}
}

func TestChooseOffers(t *testing.T) {
	t.Parallel()
	every := []offer{oneCall(), twoCalls(), announced()}
	for _, test := range []struct {
		provider, kind string
		want           []string
		err            string
	}{
		{"", "", []string{"north moved"}, ""},
		{"", "moved", []string{"north moved"}, ""},
		{"south", "", []string{"south passed", "south announced"}, ""},
		{"south", "announced", []string{"south announced"}, ""},
		{"all", "", []string{"north moved", "south passed", "south announced"}, ""},
		{"all", "passed", []string{"south passed"}, ""},
		{"west", "", nil, `choose provider: unknown "west"; choose north, south or all`},
		{"", "passed", nil, `choose kind: unknown "passed"; of north choose from moved`},
		{"south", "moved", nil, `choose kind: unknown "moved"; of south choose from passed, announced`},
		{"all", "sold", nil, `choose kind: unknown "sold"; of all choose from moved, passed, announced`},
	} {
		got, err := chooseOffers(every, test.provider, test.kind)
		var names []string
		for _, o := range got {
			names = append(names, o.name())
		}
		text := ""
		if err != nil {
			text = fmt.Sprint(err)
		}
		if diff := cmp.Diff(test.want, names); diff != "" || text != test.err {
			t.Errorf("--provider %q --kind %q: error %q (-want +got):\n%s", test.provider, test.kind, text, diff)
		}
	}
}

func TestWhatAnOfferCosts(t *testing.T) {
	t.Parallel()
	route := oneCall()
	route.tables = 2
	for _, test := range []struct {
		offer            offer
		writes, bindings int
		gap, guest       bool
	}{
		{oneCall(), 1, 1, false, false},
		{twoCalls(), 2, 1, true, false},
		{announced(), 0, 0, false, true},
		{route, 2, 2, false, false},
	} {
		o := test.offer
		if o.writes() != test.writes || o.bindings() != test.bindings || o.hasGap() != test.gap || o.guest() != test.guest {
			t.Errorf("%s: %d writes, %d to bind, gap %v, guest %v", o.name(), o.writes(), o.bindings(), o.hasGap(), o.guest())
		}
	}
}

func TestEveryOfferIsComplete(t *testing.T) {
	t.Parallel()
	for _, o := range offers() {
		if o.provider == "" || o.kind == "" || o.brand == "" || o.address == "" || o.machine == "" || o.tables < 1 || o.machineID == nil || o.open == nil {
			t.Errorf("%s: %+v", o.name(), o)
		}
		c := memoryCloud(t, o)
		if n := max(1, len(c.vendor.address().Tables)); n != o.tables || len(c.vendor.slots()) != n {
			t.Errorf("%s: %d tables, slots %v, address %+v", o.name(), o.tables, c.vendor.slots(), c.vendor.address())
		}
	}
}

// TestAFloatingIPv6 is played without anything that would need a route to it.
func TestAFloatingIPv6(t *testing.T) {
	t.Parallel()
	four, six := digitalOceanOffers()[0], digitalOceanOffers()[1]
	ground := loopbackOf(six)
	for name, got := range map[string]bool{
		"the configuration has one kind": four.configured() == "reserved-ip" && six.configured() == "reserved-ip",
		"its guest has the address":      !four.guest() && six.guest(),
		"on loopback":                    interfaceOf(six) == "lo",
		"the cloud has it":               ground.floatingIP().Is6(),
		"clients do not":                 ground.floatingWeb().Addr().IsLoopback(),
		"daemons cannot probe it":        ground.blinded() && aProbe(four) == "" && aProbe(six) != "",
		"the droplets have IPv6":         len((&digitalOcean{offer: six}).public(0)) == 1,
		"it is moved by a call of its own": fakeCall("/v2/reserved_ipv6/2001:db8::10/actions") == memoryCloud(t, six).vendor.binding().Path &&
			fakeCall("/v2/reserved_ips/203.0.113.10/actions") == memoryCloud(t, four).vendor.binding().Path,
		"namespaces have no IPv6": (&lab{options: Options{Namespaces: true}}).missing(six) != "" &&
			(&lab{options: Options{Namespaces: true}}).missing(four) == "" && (&lab{}).missing(six) == "",
		"the header says so": strings.Contains(headerText(ground, six, Options{}), "2001:db8::10 in the cloud, 127.83.20.10:8080 for the client; no probe is on its way\n"),
	} {
		if !got {
			t.Error(name + ": not so")
		}
	}
}

// fakeCall returns the pattern of a path in which the address may be any.
func fakeCall(path string) string {
	parts := strings.Split(path, "/")
	parts[3] = "*"
	return strings.Join(parts, "/")
}
