// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// FuzzAnswer lets every call of every kind meet the same body. Nothing may panic, an
// error comes without an owner, and all errors are complete. Fuzz it with
// -fuzzminimizetime 20x: what the SDK covers varies a little from run to run, and the
// engine spends its time on making inputs smaller otherwise.
func FuzzAnswer(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no documents", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	for _, body := range []string{
		refused("ResourceNotFound", "no").body,
		`{"Response":{"RequestId":"r","HaVipSet":[{"HaVipId":"havip-72alakye","Vip":"10.4.6.15","SubnetId":"s","State":"UNBIND","CheckAssociate":true,"HaVipAssociationSet":[null]}],"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-f1xjkw1b","PrivateIpAddressSet":[null]}]}}`,
		`{"Response":{"RequestId":"r","AddressSet":[{"AddressId":"eip-ek0cdz1g","AddressIp":"203.0.113.10","AddressStatus":"BIND","InstanceId":"ins-ymk3eje8","PrivateAddressIp":"10.4.6.20"}]}}`,
		`{"Response":{"RequestId":"r","RouteTableSet":[{"RouteTableId":"rtb-afg8md3c","RouteSet":[null]}],"SubnetSet":[null],"InstanceSet":[{}],"DisasterRecoverGroupSet":[{}]}}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c, err := New(Config{
			HTTP:   cloudhttp.New(cloudhttp.Config{Transport: answers(body)}),
			Region: func(context.Context) (string, error) { return "ap-guangzhou", nil },
			Credentials: func(context.Context) (Credential, error) {
				return Credential{ID: "AKIDEXAMPLE", Key: cloudhttp.NewSecret("SKEXAMPLE")}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range []providers.Address{havip1, eip1, private1, route1} {
			everyCall(t, provider(t, c, a.Kind), a)
		}
	})
}

// everyCall makes the calls of one kind.
func everyCall(t *testing.T, p providers.Provider, a providers.Address) {
	complete := func(err error) {
		if e, ok := err.(*providers.Error); err != nil && (!ok || e.Provider != Name || e.Op == "") {
			t.Errorf("%s: incomplete error %#v", a.Kind, err)
		}
	}
	to := as(a.Kind, instanceA)
	got, err := p.Owner(t.Context(), a)
	if complete(err); err != nil && (!got.Target.IsZero() || got.Version != "") {
		t.Errorf("%s: an owner came with the error: %+v", a.Kind, got)
	}
	_, err = p.Assign(t.Context(), a, to, got)
	complete(err)
	complete(p.(providers.Preflighter).Preflight(t.Context(), a, to))
	_, err = p.(providers.Inspector).InstanceState(t.Context(), to)
	complete(err)
	_, err = p.(providers.Placer).Placement(t.Context(), to)
	complete(err)
	if b, ok := p.(providers.BatchReader); ok {
		for _, r := range b.Owners(t.Context(), []providers.Address{a, a}) {
			complete(r.Err)
		}
	}
	if tr, ok := p.(providers.Tracker); ok {
		_, err = tr.Operation(t.Context(), a, providers.Result{Operation: "1"})
		complete(err)
	}
}
