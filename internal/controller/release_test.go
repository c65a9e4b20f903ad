// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/digitalocean"
	"github.com/google/go-cmp/cmp"
)

// TestAgainstAFakeWhoseIPv6MovesFail runs a claim with the real driver against the
// face of a cloud that accepts direct moves of a held IPv6 address and makes
// nothing of them, whatever its answers leave out. HTTP is real; the time of the cloud and
// of the claim is not.
func TestAgainstAFakeWhoseIPv6MovesFail(t *testing.T) {
	t.Parallel()
	for _, shape := range face.Shapes() {
		t.Run(shape.String(), func(t *testing.T) {
			t.Parallel()
			claimReleasing(t, shape)
		})
	}
}

func claimReleasing(t *testing.T, shape face.Shape) {
	const incumbent, successor = "1001", "1002"
	sixth := providers.Address{Provider: digitalocean.Name, Kind: digitalocean.KindReservedIP, IP: netip.MustParseAddr("2604:a880:1::6")}
	me := providers.Target{Instance: successor}
	base, at := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), now
	model := fakecloud.New(fakecloud.Options{Now: func() time.Time { return base.Add(time.Duration(at)) }})
	for _, id := range []string{incumbent, successor} {
		check(t, model.AddInstance(fakecloud.Instance{ID: id, Region: "fra1"}))
	}
	check(t, model.AddAddress(fakecloud.Address{IP: sixth.IP, Region: "fra1", Holder: providers.Target{Instance: incumbent}}))
	server := httptest.NewServer(fakedo.New(model, fakedo.Options{
		IPv6MovesFail: true, Shape: shape, OperationDelay: -1, RatePerHour: -1, RatePerMinute: -1, Tokens: []fakedo.Token{{Value: "token-of-a-test"}},
	}))
	defer server.Close()
	client := cloudhttp.New(cloudhttp.Config{Token: func() (cloudhttp.Secret, error) { return cloudhttp.NewSecret("token-of-a-test"), nil }})
	defer client.HTTP().CloseIdleConnections()
	driver, err := digitalocean.New(digitalocean.Config{HTTP: client, Endpoint: server.URL})
	check(t, err)

	var out Outcome
	runner := NewRunner(RunnerConfig{
		Group: "web", Addresses: []providers.Address{sixth}, Providers: []providers.Provider{driver},
		Clock: func() election.Instant { return at }, Report: func(o Outcome) { out = o }, Observe: func(Call) {},
	})
	reader := &Reader{Name: digitalocean.Name, Provider: driver, Clock: func() election.Instant { return at }, Observe: func(Call) {}}
	pol := onePolicy(func(p *AddressPolicy) { p.Address, p.CanRelease = sixth, true })
	var st State
	var own election.Instant
	var steps []string
	for end := now.Add(2 * time.Minute); at < end; at = at.Add(ms(100)) {
		ob := leading(func(ob *Observation) {
			ob.Now, ob.Permit.Since, ob.Permit.Own, ob.Target = at, 0, own, []providers.Target{me}
		})
		var d Decision
		st, d = Decide(pol, st, ob)
		switch {
		case d.reads(at):
			got := reader.Owners(t.Context(), []providers.Address{sixth}, nil)[0]
			check(t, got.Err)
			ob.Read = &ReadFact{Ended: got.Ended, Readings: []Reading{got.Reading}}
		case d.Step == Write || d.Step == Release:
			runner.Submit(Job{Target: me, Seen: d.Seen, Release: d.Step == Release, Permit: granted})
			runner.do(t.Context())
			check(t, out.Err)
			steps, own = append(steps, d.Step.String()+" from "+d.Seen.Target.String()), at
			ob.Wrote = &WriteFact{Outcome: out.Write, Detach: d.Step == Release}
		default:
			continue
		}
		at, ob.Now, ob.Busy = at.Add(ms(1)), at.Add(ms(1)), true
		st, _ = Decide(pol, st, ob)
	}
	if diff := cmp.Diff([]string{"write from 1001", "release from 1001", "write from "}, steps); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if holder := model.Holder(sixth.IP); holder != me || !st.Addresses[0].Mine {
		t.Errorf("the cloud says %v, the claim %+v", holder, st.Addresses[0])
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
