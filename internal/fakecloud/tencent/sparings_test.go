// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
)

// again is a vendor that answers each call to an action with a body of before.
type again struct {
	action string
	body   []byte
}

func (a again) Action(*face.Call) (string, bool) { return a.action, false }
func (again) Node(*face.Call) string             { return "" }
func (a again) Serve(*face.Call) face.Answer {
	return face.Answer{Status: http.StatusOK, Header: http.Header{}, Body: a.body}
}
func (again) Fail(*face.Call, int, time.Duration) face.Answer { panic("no script") }

// told returns the body as it is told with these sparings alone.
func (a again) told(sparings ...face.Sparing) []byte {
	got := httptest.NewRecorder()
	face.New(face.Options{Vendor: a, Shape: face.Sparse, Sparings: sparings}).ServeHTTP(got, httptest.NewRequest(http.MethodPost, "/", nil))
	return got.Body.Bytes()
}

// TestEverySparingLeavesSomethingOut finds a line of the table that names an action or a
// member that there is not.
func TestEverySparingLeavesSomethingOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.must(w.tc.AddGroup(faketencent.Group{ID: "ps-11111111"}))
	w.must(w.tc.AddHAVIP(faketencent.HAVIP{ID: "havip-22222222", IP: netip.MustParseAddr("10.0.4.98")}))
	w.must(w.tc.AddENI(faketencent.ENI{ID: "eni-12345678", IP: netip.MustParseAddr("10.0.4.70")}))
	w.must(w.tc.AddRoute(faketencent.Route{Table: "rtb-11111111", IP: netip.MustParseAddr("2402:4e00::9"), Holder: onA}))
	bodies := map[string][]byte{}
	for _, s := range faketencent.Sparings {
		action, request := s.On.Action, "{}"
		if bodies[action] == nil {
			if action == "DisassociateAddress" {
				request = `{"AddressId":"eip-aaaaaaaa"}`
			}
			bodies[action] = w.call(action, request).raw
		}
		a := again{action, bodies[action]}
		if bytes.Equal(a.told(s), a.told()) {
			t.Errorf("%s %s: nothing is left out of %s", action, s.Member, a.body)
		}
		if s.Known == "" {
			t.Errorf("%s %s: where that is known from is not said", action, s.Member)
		}
	}
}
