// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providers

import (
	"net/netip"
	"testing"
)

func TestSeparate(t *testing.T) {
	t.Parallel()
	const z1, z2 = "ap-guangzhou-3", "ap-guangzhou-4"
	tests := []struct {
		name string
		a, b Placement
		want Separation
	}{
		{"nothing is known", Placement{}, Placement{}, SeparationUnknown},
		{"another zone", Placement{Zone: z1}, Placement{Zone: z2}, Apart},
		{"another zone, whatever else", Placement{Zone: z1, Group: "g", Partition: "1"}, Placement{Zone: z2, Group: "g", Partition: "1"}, Apart},
		{"one zone says nothing", Placement{Zone: z1}, Placement{Zone: z1}, SeparationUnknown},
		{"one zone is not known", Placement{Zone: z1}, Placement{}, SeparationUnknown},
		{"other hosts", Placement{Zone: z1, Host: "h1"}, Placement{Zone: z1, Host: "h2"}, Apart},
		{"one host", Placement{Zone: z1, Host: "h1"}, Placement{Zone: z1, Host: "h1"}, Together},
		{"one host is not known", Placement{Host: "h1"}, Placement{}, SeparationUnknown},
		{"a group that spreads", Placement{Group: "g", Spread: true}, Placement{Group: "g", Spread: true}, Apart},
		{"two groups that spread", Placement{Group: "g", Spread: true}, Placement{Group: "h", Spread: true}, SeparationUnknown},
		{"a group that does not spread", Placement{Group: "g"}, Placement{Group: "g"}, SeparationUnknown},
		{"other partitions", Placement{Zone: z1, Group: "g", Partition: "1"}, Placement{Zone: z1, Group: "g", Partition: "2"}, Apart},
		{"one partition", Placement{Zone: z1, Group: "g", Partition: "1"}, Placement{Zone: z1, Group: "g", Partition: "1"}, Together},
		{"partitions of two groups", Placement{Zone: z1, Group: "g", Partition: "1"}, Placement{Zone: z1, Group: "h", Partition: "1"}, SeparationUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, pair := range [][2]Placement{{tt.a, tt.b}, {tt.b, tt.a}} {
				if got, why := Separate(pair[0], pair[1]); got != tt.want || why == "" {
					t.Errorf("Separate(%+v, %+v) = %v, %q, want %v", pair[0], pair[1], got, why, tt.want)
				}
			}
		})
	}
}

func TestTheTargetOfAKind(t *testing.T) {
	t.Parallel()
	ip := netip.MustParseAddr("10.0.4.20")
	whole := Target{Instance: "ins-1", Interface: "eni-1", PrivateIP: ip}
	tests := []struct {
		from  Target
		parts TargetParts
		want  Target
	}{
		{whole, PartInstance, Target{Instance: "ins-1"}},
		{whole, PartInstance | PartInterface, Target{Instance: "ins-1", Interface: "eni-1"}},
		{whole, PartPrivateIP, Target{PrivateIP: ip}},
		{whole, PartInstance | PartInterface | PartPrivateIP, whole},
		{Target{Instance: "ins-1", PrivateIP: ip}, PartInstance | PartInterface, Target{}},
		{Target{Instance: "ins-1"}, PartInstance | PartPrivateIP, Target{}},
		{Target{Interface: "eni-1"}, PartInstance, Target{}},
	}
	for _, tt := range tests {
		if got := tt.from.Only(tt.parts); got != tt.want {
			t.Errorf("%v.Only(%03b) = %v, want %v", tt.from, tt.parts, got, tt.want)
		}
	}
}

func TestWhatNamesNoMachineMayBePartOfOne(t *testing.T) {
	t.Parallel()
	ip, other := netip.MustParseAddr("10.0.4.20"), netip.MustParseAddr("10.0.4.21")
	own := Target{Instance: "ins-1", Interface: "eni-1", PrivateIP: ip}
	tests := []struct {
		name   string
		t, own Target
		want   bool
	}{
		{"the interface", Target{Interface: "eni-1", PrivateIP: other}, own, true},
		{"the address", Target{Interface: "eni-2", PrivateIP: ip}, own, true},
		{"the address of a machine without interface", Target{Interface: "eni-1", PrivateIP: ip}, Target{Instance: "ins-1", PrivateIP: ip}, true},
		{"others", Target{Interface: "eni-2", PrivateIP: other}, own, false},
		{"nobody", Target{}, own, false},
		{"nobody, of a machine without more", Target{}, Target{Instance: "ins-1"}, false},
		{"another machine with the address", Target{Instance: "ins-2", PrivateIP: ip}, own, false},
		{"the machine itself", own, own, false},
		{"an address, where no machine is meant", Target{PrivateIP: ip}, Target{PrivateIP: ip}, false},
	}
	for _, tt := range tests {
		if got := tt.t.PartOf(tt.own); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestAddressesOfOneIPAreToldApart(t *testing.T) {
	t.Parallel()
	a := Address{Kind: KindRoute, IP: netip.MustParseAddr("172.16.0.9"), ID: "rtb-1"}
	if got, want := a.String(), "172.16.0.9 in rtb-1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	a.Kind, a.ID = KindEIP, "eip-1"
	if got, want := a.String(), "172.16.0.9"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseTargetIsTheInverseOfString(t *testing.T) {
	t.Parallel()
	ip := netip.MustParseAddr("10.0.4.20")
	for _, want := range []Target{
		{Instance: "1001"},
		{Instance: "ins-1", Interface: "eni-1"},
		{Instance: "ins-1", PrivateIP: ip},
		{Instance: "ins-1", Interface: "eni-1", PrivateIP: ip},
	} {
		if got := ParseTarget(want.String()); got != want {
			t.Errorf("ParseTarget(%q) = %+v", want, got)
		}
	}
	for _, bad := range []string{"", "/", "10.0.4.20", "ins-1/", "ins-1/eni-1/x", "ins-1/10.0.4.20/10.0.4.21"} {
		if got := ParseTarget(bad); !got.IsZero() {
			t.Errorf("ParseTarget(%q) = %+v", bad, got)
		}
	}
}
