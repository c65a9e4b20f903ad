// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"net/netip"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// BindDelay is how long binding or unbinding an EIP takes by default. How long the
// real service takes is not documented.
const BindDelay = time.Second

// Options are the settings of the face. Of durations zero means none, unless a
// default is named.
type Options struct {
	Credentials []Credential

	Region       string       // where what is added is, unless it says otherwise; empty: ap-guangzhou
	Zone         string       // empty: the region with "-3" behind it
	VPC          string       // the VPC of machines that name none; empty: vpc-fipctl01
	VPCRange     netip.Prefix // its range; zero: 10.0.0.0/16
	Subnet       string       // the subnet of machines that name none; empty: subnet-fipctl01
	SubnetRange  netip.Prefix // its range; zero: 10.0.4.0/24
	Latency      time.Duration
	Shape        face.Shape    // how much answers tell, the metadata's too
	BindDelay    time.Duration // an EIP's bind, and its unbind; zero: 1 s, negative: at once
	MigrateDelay time.Duration // assigning, migrating or unassigning a private IP
	DriftDelay   time.Duration // from a HAVIP's announcement until it is mapped
	ReadLag      time.Duration // API reads show the state of this long ago
	MetadataLag  time.Duration // the same for the metadata's view of addresses
	ClockSkew    time.Duration // how far the service's clock is ahead of the model's
	Throttle     int           // calls per second of each action; zero: no limit
	Dialect      Dialect

	// Sources names the node behind a remote address, for credentials without one.
	Sources map[netip.Addr]string
}

// Dialect chooses among answers that are documented, or seen, in more than one
// form. Empty fields are the first form named.
type Dialect struct {
	// Mutex is the code for an EIP with a task under way:
	// OperationDenied.MutexTaskRunning or DesOperation.MutexTaskRunning.
	Mutex string
	// AssociateStatus is the code for binding an EIP that is bound:
	// UnsupportedOperation.AddressStatusNotPermit or InvalidAddressState.
	AssociateStatus string
	// DisassociateStatus is the code for unbinding one that is not:
	// UnsupportedOperation.AddressStatusNotPermit or
	// InvalidAddressIdStatus.NotPermit.
	DisassociateStatus string
	// PrimaryIP is the code for migrating a primary address:
	// UnauthorizedOperation.PrimaryIp or UnsupportedOperation.PrimaryIp.
	PrimaryIP string
	// Throttled is the code for too many calls: RequestLimitExceeded, one of its
	// dotted variants, or LimitExceeded.ActionLimited.
	Throttled string
	// Unbound is the State of a HAVIP that nobody holds: UNBIND or UNBOUND.
	Unbound string
	// NullTaskID answers DisassociateAddress with a TaskId of null.
	NullTaskID bool
	// StaleInstance leaves the last holder in the document of an unbound EIP.
	StaleInstance bool
	// UnknownHAVIP answers DescribeHaVips with ResourceNotFound for an unknown
	// id, instead of an empty list.
	UnknownHAVIP bool
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// withDefaults fills in what is empty.
func (d Dialect) withDefaults() Dialect {
	d.Mutex = or(d.Mutex, "OperationDenied.MutexTaskRunning")
	d.AssociateStatus = or(d.AssociateStatus, "UnsupportedOperation.AddressStatusNotPermit")
	d.DisassociateStatus = or(d.DisassociateStatus, "UnsupportedOperation.AddressStatusNotPermit")
	d.PrimaryIP = or(d.PrimaryIP, "UnauthorizedOperation.PrimaryIp")
	d.Throttled = or(d.Throttled, "RequestLimitExceeded")
	d.Unbound = or(d.Unbound, "UNBIND")
	return d
}

func (o Options) withDefaults() Options {
	o.Region = or(o.Region, "ap-guangzhou")
	o.Zone = or(o.Zone, o.Region+"-3")
	o.VPC = or(o.VPC, "vpc-fipctl01")
	o.VPCRange = or(o.VPCRange, netip.MustParsePrefix("10.0.0.0/16"))
	o.Subnet = or(o.Subnet, "subnet-fipctl01")
	o.SubnetRange = or(o.SubnetRange, netip.MustParsePrefix("10.0.4.0/24"))
	o.BindDelay = or(o.BindDelay, BindDelay)
	o.Dialect = o.Dialect.withDefaults()
	return o
}
