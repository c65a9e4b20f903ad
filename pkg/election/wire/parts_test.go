// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/fipctl/fipctl/pkg/election"
)

// parts are the datagrams in which a travels.
func parts(t testing.TB, a *election.Advert) [][]byte {
	t.Helper()
	k := ring(t, 0)
	var bs [][]byte
	for next := 0; ; {
		b, n, err := AppendPart(nil, a, next, &k)
		if err != nil {
			t.Fatal(err)
		}
		bs = append(bs, b)
		if next = n; next >= len(a.Groups) {
			return bs
		}
	}
}

// joined reads the datagrams and puts their groups together again. Each must be whole
// by itself: all of a but its groups.
func joined(t testing.TB, a *election.Advert, bs [][]byte) *election.Advert {
	t.Helper()
	r := &Receiver{Cluster: a.Cluster, Node: a.To, Peers: []string{a.From}, Keys: ring(t, 0)}
	whole := *a
	whole.Groups = nil
	for _, b := range bs {
		if len(b) > MaxSize {
			t.Errorf("a part of %d bytes", len(b))
		}
		part := expect(t, r, b, election.ReasonNone).Advert
		whole.Groups = append(whole.Groups, part.Groups...)
		part.Groups = nil
		header := *a
		header.Groups = nil
		if d := diff(&header, &part); d != "" {
			t.Errorf("the header sent (-) and that of a part (+) differ:\n%s", d)
		}
	}
	return &whole
}

func TestManyGroupsTravelInSeveralPartsAndComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := drawAdvert(rt)
		a.Groups, a.Total = nil, 255
		nodes := []string{a.From, a.To, "node-ccc", "node-ddd"}
		for v := range rapid.IntRange(0, 255).Draw(rt, "groups") {
			a.Groups = append(a.Groups, drawGroup(rt, uint8(v+1), nodes))
		}
		if d := diff(a, joined(t, a, parts(t, a))); d != "" {
			rt.Fatalf("sent (-) and received (+) differ:\n%s", d)
		}
	})
}

// As many as fit: one record more, with the names that it brings along, and the part
// would be too large.
func TestAPartIsFilledByRealSize(t *testing.T) {
	t.Parallel()
	a := steadyAdvert(255)
	for i := range a.Groups { // a name that only one part in several needs
		if i%40 == 39 {
			a.Groups[i].Term.Node = fmt.Sprintf("node-%058d", i)
		}
	}
	k := ring(t, 0)
	for from := 0; from < len(a.Groups); {
		_, next, err := AppendPart(nil, a, from, &k)
		if err != nil {
			t.Fatal(err)
		}
		if next < len(a.Groups) {
			one := *a
			one.Groups = a.Groups[from : next+1]
			if _, err := AppendAdvert(nil, &one, &k); err == nil {
				t.Errorf("groups %d to %d fit too", from, next)
			}
		}
		from = next
	}
}

// What docs/design.md and docs/wire.md say of the sizes.
func TestAQuietHundredGroupsTakeTwoDatagrams(t *testing.T) {
	t.Parallel()
	two, three := steadyAdvert(100), steadyAdvert(100)
	for i := range three.Groups {
		three.Groups[i].Relay = []election.Relay{{Node: "node-ccc", Age: 1e9, Role: election.Backup, Healthy: true}}
	}
	all := longestAdvert(Shape{Cluster: "web", Nodes: []string{"node-aaa", "node-bbb"}, Providers: []string{"digitalocean"}}, 255)
	for _, c := range []struct {
		name string
		a    *election.Advert
		want int
	}{
		{"100 quiet groups of two nodes", two, 2},
		{"100 quiet groups of three nodes", three, 3},
		{"255 quiet groups of two nodes", steadyAdvert(255), 5},
		{"255 groups with everything at its longest", all, 19},
	} {
		if got := len(parts(t, c.a)); got != c.want {
			t.Errorf("%s take %d datagrams, want %d", c.name, got, c.want)
		}
	}
}
