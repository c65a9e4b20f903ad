// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

func TestAnAdvertOutOfRangeIsAnErrorThatNamesTheValue(t *testing.T) {
	t.Parallel()
	group := func(change func(*election.GroupAdvert)) func(*election.Advert) {
		return func(a *election.Advert) { change(&a.Groups[0]) }
	}
	text := " is not 1 to 63 printable ASCII characters without spaces"
	cases := map[string]func(*election.Advert){
		`cluster id ""` + text:                func(a *election.Advert) { a.Cluster = "" },
		`sender "a b"` + text:                 func(a *election.Advert) { a.From = "a b" },
		`receiver "\n"` + text:                func(a *election.Advert) { a.To = "\n" },
		`sender and receiver are both "lb-b"`: func(a *election.Advert) { a.From = "lb-b" },
		`sender address "invalid IP" is not a plain IPv4 or IPv6 address`:      func(a *election.Advert) { a.FromAddress = netip.Addr{} },
		`sender address "fe80::1%eth0" is not a plain IPv4 or IPv6 address`:    func(a *election.Advert) { a.FromAddress = netip.MustParseAddr("fe80::1%eth0") },
		`sender address "::ffff:10.0.0.1" is not a plain IPv4 or IPv6 address`: func(a *election.Advert) { a.FromAddress = netip.MustParseAddr("::ffff:10.0.0.1") },
		"session is zero":  func(a *election.Advert) { a.Session = 0 },
		"sequence is zero": func(a *election.Advert) { a.Sequence = 0 },
		"sequence 281474976710656 is above 281474976710655":                  func(a *election.Advert) { a.Sequence = 1 << 48 },
		"interval 49ms is not within 50ms and 40s":                           func(a *election.Advert) { a.Interval = 49 * time.Millisecond },
		"interval 41s is not within 50ms and 40s":                            func(a *election.Advert) { a.Interval = 41 * time.Second },
		`two targets of provider "digitalocean"`:                             func(a *election.Advert) { a.Targets = append(a.Targets, a.Targets[0]) },
		`target "" is not 1 to 96 printable ASCII characters without spaces`: func(a *election.Advert) { a.Targets[0].Target = "" },
		"1 groups in all are fewer than the 2 named":                         func(a *election.Advert) { a.Total = 1 },
		"VRID 0 is zero or named twice":                                      group(func(g *election.GroupAdvert) { g.VRID = 0 }),
		"VRID 52 is zero or named twice":                                     group(func(g *election.GroupAdvert) { g.VRID = 52 }),
		"role 5 is unknown":                                                  group(func(g *election.GroupAdvert) { g.Role = 5 }),
		"priority 255 of VRID 51 is above 254":                               group(func(g *election.GroupAdvert) { g.Priority = 255 }),
		"term 140737488355328 is above 140737488355327":                      group(func(g *election.GroupAdvert) { g.Term.Number = 1 << 47 }),
		"owner kind 4 is unknown":                                            group(func(g *election.GroupAdvert) { g.Owner.Kind = 4 }),
		"owner is a node without name":                                       group(func(g *election.GroupAdvert) { g.Owner.Node = "" }),
		"request kind 3 is unknown":                                          group(func(g *election.GroupAdvert) { g.Request.Kind = 3 }),
		`relay of node "" has no name or is there twice`:                     group(func(g *election.GroupAdvert) { g.Relay[0].Node = "" }),
		`relay of node "lb-c" has no name or is there twice`:                 group(func(g *election.GroupAdvert) { g.Relay = append(g.Relay, g.Relay[0]) }),
		"more than 32 node names in one datagram": group(func(g *election.GroupAdvert) {
			for i := range namesMax {
				g.Relay = append(g.Relay, election.Relay{Node: fmt.Sprint("node-", i)})
			}
		}),
	}
	k := ring(t, 0)
	for want, change := range cases {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			a := fullAdvert()
			change(a)
			b, err := AppendAdvert([]byte("x"), a, &k)
			if want := fmt.Sprintf("encode advert to %q: %s", a.To, want); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if string(b) != "x" {
				t.Errorf("dst became %q", b)
			}
		})
	}
}

func TestAnEmptyKeyringSignsNothing(t *testing.T) {
	t.Parallel()
	_, err := AppendAdvert(nil, minimalAdvert(), &Keyring{})
	if want := `encode advert to "lb-b": keyring is empty`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFiftySteadyGroupsFitInOneDatagram(t *testing.T) {
	t.Parallel()
	header, full := len(encode(t, steadyAdvert(0))), len(encode(t, steadyAdvert(50)))
	t.Logf("header and tag %d bytes, %.1f bytes a group, %d bytes in all", header, float64(full-header)/50, full)
	if header > 150 || full-header > 50*20+headMaxSize || full > MaxSize {
		t.Errorf("header and tag %d bytes (at most 150), 50 groups %d (at most %d)", header, full-header, 50*20)
	}
}

// The longest part with one group that a cluster of this shape can send is built and
// measured, so the function cannot drift from the encoder.
func TestSizeIsThatOfTheLongestPart(t *testing.T) {
	t.Parallel()
	for nodes := 2; nodes <= 5; nodes++ {
		s := Shape{Cluster: "web", Providers: []string{"digitalocean"}}
		for i := range nodes {
			s.Nodes = append(s.Nodes, fmt.Sprintf("node-%03d", i))
		}
		if got, want := s.Size(), len(encode(t, longestAdvert(s, 1))); got != want {
			t.Errorf("%d nodes: Size is %d, the longest part has %d bytes", nodes, got, want)
		}
	}
}

func TestAPartWithOneGroupThatDoesNotFitIsAnError(t *testing.T) {
	t.Parallel()
	k := ring(t, 0)
	s := Shape{Cluster: "web", Nodes: []string{"a", "b"}}
	for s.Size() <= MaxSize {
		switch {
		case s.Size()+2+1+targetMax <= MaxSize:
			s.Providers = append(s.Providers, string('a'+rune(len(s.Providers))))
		case len(s.Cluster) < nameMax:
			s.Cluster += "x"
		default:
			s.Nodes[1] += "x"
		}
	}
	a := longestAdvert(s, 3)
	a.Groups[1] = election.GroupAdvert{VRID: 2} // the first is the one that does not fit
	if b, next, err := AppendPart([]byte("x"), a, 0, &k); !errors.Is(err, ErrTooLarge) || string(b) != "x" || next != 0 {
		t.Errorf("%q, next %d: %v", b, next, err)
	}
	if b, next, err := AppendPart(nil, a, 1, &k); err != nil || next != 2 || len(b) > MaxSize {
		t.Errorf("%d bytes, next %d: %v", len(b), next, err)
	}
}

func TestAnAdvertThatNeedsPartsIsNoDatagram(t *testing.T) {
	t.Parallel()
	k := ring(t, 0)
	b, err := AppendAdvert([]byte("x"), steadyAdvert(100), &k)
	if !errors.Is(err, ErrTooLarge) || string(b) != "x" {
		t.Errorf("%q: %v", b, err)
	}
}

// longestAdvert has everything at its longest.
func longestAdvert(s Shape, groups int) *election.Advert {
	longest := election.Mark{Session: 1, Sequence: numberMax}
	a := &election.Advert{
		Cluster: s.Cluster, From: s.Nodes[0], To: s.Nodes[1], FromAddress: netip.MustParseAddr("2001:db8::1"),
		Session: 1, Sequence: numberMax, Uptime: 1<<63 - 1, Interval: intervalMax, Echo: longest, Hello: longest,
	}
	for _, p := range s.Providers {
		a.Targets = append(a.Targets, election.NodeTarget{Provider: p, Target: strings.Repeat("t", targetMax)})
	}
	a.Total = uint8(groups)
	for i := range groups {
		g := election.GroupAdvert{
			VRID: uint8(i + 1), Flags: 1<<16 - 1, Term: election.Term{Number: termMax, Node: a.From},
			Request:  election.Request{Kind: election.RequestTake, ID: 1<<64 - 1},
			Handover: election.Handover{To: a.To, ID: 1<<64 - 1, Remaining: ageMax},
			Owner:    election.OwnerReport{Age: ageMax, UnboundAge: ageMax},
			Probe:    election.ProbeReport{AnsweredBy: a.To, Age: ageMax},
		}
		for _, n := range s.Nodes[2:] {
			g.Relay = append(g.Relay, election.Relay{Node: n, Age: ageMax})
		}
		a.Groups = append(a.Groups, g)
	}
	return a
}
