// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providers

import "fmt"

// Placement is where a machine runs, as far as the cloud tells. An empty field is
// not known.
type Placement struct {
	Zone string // the availability zone, or the region where a cloud has no zones
	Host string // the physical host, told for dedicated hosts only
	// Group is the placement group, availability group or the like.
	Group string
	// Spread reports whether the cloud keeps all members of Group on different
	// hosts.
	Spread bool
	// Partition is the partition or fault domain within Group and Zone. Two of the
	// same group and zone that differ share no host.
	Partition string
}

// Separation says whether two machines can fail together.
type Separation uint8

// The separations. Unknown is not bad: most clouds do not tell the host.
const (
	SeparationUnknown Separation = iota
	Apart                        // they share no host
	Together                     // one host may carry both
)

// String returns the separation as one lower-case word.
func (s Separation) String() string {
	return [...]string{"unknown", "apart", "together"}[s]
}

// Separate says whether machines placed at a and b can fail together, and why. The
// first row that fits decides:
//
//	zones known and different                  apart
//	hosts known                                apart if different, else together
//	same group, which spreads                  apart
//	same group and zone, partitions known      apart if different, else together
//	otherwise                                  unknown
func Separate(a, b Placement) (s Separation, why string) {
	group := a.Group != "" && a.Group == b.Group
	switch {
	case a.Zone != "" && b.Zone != "" && a.Zone != b.Zone:
		return Apart, fmt.Sprintf("in zones %s and %s", a.Zone, b.Zone)
	case a.Host != "" && b.Host != "" && a.Host != b.Host:
		return Apart, fmt.Sprintf("on hosts %s and %s", a.Host, b.Host)
	case a.Host != "" && a.Host == b.Host:
		return Together, "both on host " + a.Host
	case group && a.Spread && b.Spread:
		return Apart, fmt.Sprintf("group %s keeps its members on different hosts", a.Group)
	case group && a.Zone == b.Zone && a.Partition != "" && b.Partition != "" && a.Partition != b.Partition:
		return Apart, fmt.Sprintf("in partitions %s and %s of group %s", a.Partition, b.Partition, a.Group)
	case group && a.Zone == b.Zone && a.Partition != "" && a.Partition == b.Partition:
		return Together, fmt.Sprintf("both in partition %s of group %s", a.Partition, a.Group)
	default:
		return SeparationUnknown, "the cloud does not tell"
	}
}
