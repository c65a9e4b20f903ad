// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"sync"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
)

// A watcher of the model may use the server: nothing is locked meanwhile.
func TestAWatcherMayAnnounce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{BindDelay: -1})
	w.model.OnChange(func(c fakecloud.Change) {
		if c.IP == eipA {
			w.tc.Announce("ins-bbbbbbbb", vip)
		}
	})
	w.wantCode("unbind", w.call("DisassociateAddress", unbindA), "")
	if got := w.tc.Resolve(vip).Instance; got != "ins-bbbbbbbb" {
		t.Errorf("holder: got %s", got)
	}
}

// What this checks is checked by the race detector.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{BindDelay: -1, Throttle: 1000})
	w.tc.SetRole("ins-aaaaaaaa", faketencent.Role{Name: "fipctl"})
	var all sync.WaitGroup
	for _, f := range []func(){
		func() { w.call("DisassociateAddress", unbindA) },
		func() { w.call("AssociateAddress", bindFree) },
		func() { w.call("DescribeAddresses", "{}") },
		func() { w.call("DescribeNetworkInterfaces", "{}") },
		func() { w.call("DescribeInstances", "{}") },
		func() { w.call("AssignPrivateIpAddresses", assign("eni-bbbbbbbb", "10.0.4.61")) },
		func() { w.call("DescribeHaVips", "{}") },
		func() { w.read("ins-aaaaaaaa", "cam/security-credentials/fipctl") },
		func() { w.read("ins-aaaaaaaa", "public-ipv4") },
		func() { w.tc.Announce("ins-bbbbbbbb", vip) },
		func() { w.tc.SetRange("havip-11111111", true, "ins-bbbbbbbb") },
		func() { w.tc.SetBindDelay(time.Second) },
		func() { w.tc.SetDialect(faketencent.Dialect{NullTaskID: true}) },
		func() { w.tc.AddCredential(faketencent.Credential{ID: "AKIDx", Key: "k"}) },
		func() { w.tc.ChangeEIP("eip-aaaaaaaa", func(e *faketencent.EIP) { e.Arrears = true }) },
		func() { w.advance(time.Second) },
	} {
		all.Go(func() {
			for range 5 {
				f()
			}
		})
	}
	all.Wait()
}
