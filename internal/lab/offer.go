// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// offer is one kind of address of one provider, as the lab can play it.
type offer struct {
	provider, kind string
	brand          string // what people call the provider
	address        string // what the provider calls such an address
	machine        string // what the provider calls a machine
	capabilities   providers.Capabilities
	six            bool          // the address is an IPv6
	tables         int           // in how many route tables the address is; for what is no route one place
	takes          time.Duration // from the first accepted write until the address has moved, calls apart
	machineID      func(i int) string
	alwaysHeld     bool // there is no such address while nobody holds it
	countsCalls    bool // it tells with each answer how many calls remain
	open           opener
}

// opener builds the fake cloud of an offer on a model.
type opener func(offer, *fakecloud.Model, layout, clusterOptions) (vendor, error)

// openedBy completes offers that one opener serves.
func openedBy(os []offer, open opener) []offer {
	for i := range os {
		os[i].capabilities, os[i].open = capabilitiesOf(os[i].provider, os[i].configured()), open
	}
	return os
}

// configured is what a configuration calls the kind. The lab tells the families of one apart.
func (o offer) configured() string {
	if o.six {
		return strings.TrimSuffix(o.kind, "v6")
	}
	return o.kind
}

// name is how the lab refers to the offer: "tencent eip".
func (o offer) name() string { return o.provider + " " + o.kind }

// stranger is what the lab calls a machine that is none of its nodes.
func (o offer) stranger() string { return "a " + o.machine + " outside the cluster" }

// moveText says what a move takes.
func (o offer) moveText() string {
	switch {
	case o.takes == 0:
		return "what it accepts is done at once"
	case o.capabilities.MovesWithoutAPI:
		return fmt.Sprintf("an announced move takes %s", o.takes)
	case o.hasGap():
		return fmt.Sprintf("an accepted detach takes %[1]s, and so does an attach", o.takes/2)
	default:
		return fmt.Sprintf("an accepted move takes %s", o.takes)
	}
}

// summary says in a few words how such an address moves.
func (o offer) summary() string {
	switch c := o.capabilities; {
	case c.MovesWithoutAPI:
		return "its owner announces it"
	case !c.AtomicMove:
		return "detached in one call, attached in another"
	case o.tables > 1:
		return fmt.Sprintf("moved in one call for each of %d route tables", o.tables)
	default:
		return "moved in one call"
	}
}

// writes is how many calls move an address from one machine to another.
func (o offer) writes() int {
	switch c := o.capabilities; {
	case c.MovesWithoutAPI:
		return 0
	case c.AtomicMove:
		return o.tables
	default:
		return 2 * o.tables // detach, attach
	}
}

// bindings is how many calls bind an address that nobody holds.
func (o offer) bindings() int {
	if o.capabilities.MovesWithoutAPI {
		return 0
	}
	return o.tables
}

// guest reports whether the machine that holds the address must have it configured.
func (o offer) guest() bool {
	if o.six {
		return o.capabilities.Guest6 != providers.GuestNone
	}
	return o.capabilities.Guest4 != providers.GuestNone
}

// hasGap reports whether nobody holds the address for a part of a move.
func (o offer) hasGap() bool { return !o.capabilities.AtomicMove && !o.capabilities.MovesWithoutAPI }

// offers returns everything that the lab can play, what it plays by default first.
func offers() []offer {
	return slices.Concat(digitalOceanOffers(), tencentOffers(), jdCloudOffers())
}

// allProviders stands for every provider on the command line.
const allProviders = "all"

// chooseOffers returns what is asked for: without a provider the first offer, else
// every kind of the provider or the one that is named.
func chooseOffers(every []offer, provider, kind string) ([]offer, error) {
	if provider == "" && kind == "" {
		return every[:1], nil
	}
	if provider == "" {
		provider = every[0].provider
	}
	of := slices.DeleteFunc(slices.Clone(every), func(o offer) bool {
		return provider != allProviders && o.provider != provider
	})
	if len(of) == 0 {
		return nil, fmt.Errorf("choose provider: unknown %q; choose %s or %s", provider, strings.Join(providersOf(every), ", "), allProviders)
	}
	chosen := slices.DeleteFunc(slices.Clone(of), func(o offer) bool { return kind != "" && o.kind != kind })
	if len(chosen) == 0 {
		return nil, fmt.Errorf("choose kind: unknown %q; of %s choose from %s", kind, provider, strings.Join(kindsOf(of), ", "))
	}
	return chosen, nil
}

func providersOf(os []offer) (names []string) {
	for _, o := range os {
		if !slices.Contains(names, o.provider) {
			names = append(names, o.provider)
		}
	}
	return names
}

func kindsOf(os []offer) (kinds []string) {
	for _, o := range os {
		if !slices.Contains(kinds, o.kind) {
			kinds = append(kinds, o.kind)
		}
	}
	return kinds
}
