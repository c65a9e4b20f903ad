// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/tencent"
)

// wantLine compares an error with what an operator should read: one line of this kind
// that has the text.
func wantLine(t *testing.T, err error, kind providers.Kind, text string) {
	t.Helper()
	if providers.KindOf(err) != kind || err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got  %v\nwant one line of kind %v with %q", err, kind, text)
	}
}

// asked returns what a harness's cloud says of an address to a target, with a driver
// that was made with another configuration.
func asked(t *testing.T, h *harness, a providers.Address, to providers.Target, change func(*tencent.Config)) error {
	t.Helper()
	client := cloudhttp.New(cloudhttp.Config{})
	t.Cleanup(client.HTTP().CloseIdleConnections)
	cfg := tencent.Config{
		HTTP: client, Endpoint: h.server.URL, Now: h.clock,
		Region: func(context.Context) (string, error) { return inRegion, nil },
		Credentials: func(context.Context) (tencent.Credential, error) {
			return tencent.Credential{ID: secretID, Key: cloudhttp.NewSecret(secretKey), Token: cloudhttp.NewSecret(secretToken)}, nil
		},
	}
	change(&cfg)
	c, err := tencent.New(cfg)
	h.must(err)
	p, _ := c.Kind(a.Kind)
	return p.(providers.Preflighter).Preflight(t.Context(), a, to)
}

func TestAWrongRegionIsOneLine(t *testing.T) {
	t.Parallel()
	for kind, s := range subjects {
		h := newHarness(t, s)
		for region, wanted := range map[string]struct {
			kind providers.Kind
			text string
		}{
			"ap-shanghai": {providers.NotFound, s.address.ID + " does not exist in ap-shanghai, or this credential may not see it; check the id and the region"},
			"ap-nowhere":  {providers.Invalid, "region: ap-nowhere is not a region of this service"},
		} {
			err := asked(t, h, s.address, h.target(0), func(c *tencent.Config) {
				c.Region = func(context.Context) (string, error) { return region, nil }
			})
			t.Logf("%s: %v", kind, err)
			wantLine(t, err, wanted.kind, wanted.text)
		}
	}
}

func TestAClockThatIsTenMinutesOffIsOneLine(t *testing.T) {
	t.Parallel()
	h := newHarness(t, subjects[providers.KindEIP])
	for skew, text := range map[time.Duration]string{
		10 * time.Minute:  "this machine's clock is 10m0s behind the cloud's; set this machine's clock right",
		-10 * time.Minute: "this machine's clock is 10m0s ahead of the cloud's; set this machine's clock right",
	} {
		h.api.SetClockSkew(skew)
		wantLine(t, asked(t, h, h.Address(), h.target(0), func(*tencent.Config) {}), providers.Denied, text)
	}
}

func TestAnAddressOutsideTheSubnetIsOneLine(t *testing.T) {
	t.Parallel()
	h := newHarness(t, subjects[providers.KindPrivateIP])
	a := h.Address()
	a.IP = netip.MustParseAddr("10.0.9.60")
	wantLine(t, asked(t, h, a, h.target(0), func(*tencent.Config) {}), providers.Invalid, "ip: 10.0.9.60 is outside 10.0.4.0/24, the range of subnet-11111111")
}

func TestAPrimaryAddressIsOneLine(t *testing.T) {
	t.Parallel()
	h := newHarness(t, subjects[providers.KindPrivateIP])
	a := h.Address()
	a.IP = netip.MustParseAddr("10.0.4.20")
	wantLine(t, asked(t, h, a, h.target(0), func(*tencent.Config) {}), providers.Invalid, "10.0.4.20 is the primary address of eni-aaaaaaaa; only a secondary one can move")
	// A primary address that was taken for a secondary one is not taken for a lack of
	// permission, though its code says so.
	p := h.Provider()
	_, err := p.Assign(t.Context(), a, h.target(1), providers.Assignment{Target: h.target(0)})
	wantLine(t, err, providers.Invalid, "only a secondary one can move")
}

func TestAnIDOfAnotherKindIsOneLine(t *testing.T) {
	t.Parallel()
	for kind, s := range subjects {
		h := newHarness(t, s)
		for other, o := range subjects {
			if other == kind {
				continue
			}
			a := s.address
			a.ID = o.address.ID
			wantLine(t, asked(t, h, a, h.target(0), func(*tencent.Config) {}), providers.Invalid, fmt.Sprintf("id: %q is not that of", a.ID))
		}
	}
}

// TestAMissingPermissionIsOneLine takes away one action at a time and looks at all
// that a kind does.
func TestAMissingPermissionIsOneLine(t *testing.T) {
	t.Parallel()
	for kind, needs := range map[string][]string{
		providers.KindHAVIP:     {"DescribeHaVips", "DescribeNetworkInterfaces", "DescribeInstances"},
		providers.KindEIP:       {"DescribeAddresses", "DescribeInstances", "AssociateAddress", "DisassociateAddress"},
		providers.KindPrivateIP: {"DescribeNetworkInterfaces", "DescribeInstances", "AssignPrivateIpAddresses", "MigratePrivateIpAddress"},
		providers.KindRoute:     {"DescribeRouteTables", "DescribeInstances", "ReplaceRoutes"},
	} {
		for i, missing := range needs {
			h := newHarness(t, subjects[kind])
			allowed := append(append([]string{}, needs[:i]...), needs[i+1:]...)
			h.api.AddCredential(faketencent.Credential{ID: secretID, Key: secretKey, Token: secretToken, Actions: allowed})
			denied := 0
			for _, err := range everything(t, h) {
				if err != nil && providers.KindOf(err) == providers.Denied {
					wantLine(t, err, providers.Denied, ":"+missing+"; allow that in its CAM policy")
					denied++
				}
			}
			if denied == 0 {
				t.Errorf("%s without %s: nothing was denied", kind, missing)
			}
		}
		h := newHarness(t, subjects[kind])
		h.api.AddCredential(faketencent.Credential{ID: secretID, Key: secretKey, Token: secretToken, Actions: needs})
		for _, err := range everything(t, h) {
			if providers.KindOf(err) == providers.Denied {
				t.Errorf("%s with %s: %v", kind, needs, err)
			}
		}
	}
}

// everything does all that a kind can, tasks and groups apart, and returns the errors.
func everything(t *testing.T, h *harness) (errs []error) {
	p := h.Provider()
	a, to := h.Address(), h.target(0)
	free, err := p.Owner(t.Context(), a)
	errs = append(errs, err)
	_, err = p.Assign(t.Context(), a, to, free)
	errs = append(errs, err)
	h.Settle()
	held := free
	held.Target = to
	_, err = p.Assign(t.Context(), a, h.target(1), held)
	errs = append(errs, err)
	h.Settle()
	errs = append(errs, p.(providers.Preflighter).Preflight(t.Context(), a, h.target(2)))
	_, err = p.(providers.Inspector).InstanceState(t.Context(), to)
	errs = append(errs, err)
	now, err := p.Owner(t.Context(), a)
	errs = append(errs, err)
	_, err = p.(providers.Inspector).InstanceState(t.Context(), now.Target)
	return append(errs, err)
}

func TestAnExpiredCredentialOfARoleIsOneLineAndFetchedAnew(t *testing.T) {
	t.Parallel()
	h := newHarness(t, subjects[providers.KindEIP])
	h.api.SetRole("ins-aaaaaaaa", faketencent.Role{Name: "fipctl", Lifetime: time.Hour})
	service := httptest.NewServer(h.api.MetadataHandler("ins-aaaaaaaa"))
	defer service.Close()
	slow := h.clock() // a clock that does not see the credential end
	role, err := tencent.NewRole(tencent.RoleConfig{Endpoint: service.URL, Now: func() time.Time { return slow }})
	h.must(err)
	check := func() error {
		return asked(t, h, h.Address(), h.target(0), func(c *tencent.Config) {
			c.Credentials, c.Refused = role.Credential, role.Forget
		})
	}
	if err := check(); err != nil {
		t.Fatal(err)
	}
	h.pass(2 * time.Hour)
	wantLine(t, check(), providers.Denied, "the temporary credential has expired or was withdrawn")
	if err := check(); err != nil {
		t.Errorf("with the next credential: %v", err)
	}
}

func TestADriftRangeWithoutThisMachineIsOneLine(t *testing.T) {
	t.Parallel()
	h := newHarness(t, subjects[providers.KindHAVIP])
	h.api.SetRange("havip-11111111", true, "ins-bbbbbbbb")
	err := asked(t, h, h.Address(), h.target(0), func(*tencent.Config) {})
	wantLine(t, err, providers.Invalid, "ins-aaaaaaaa is outside the drift range of havip-11111111 (ins-bbbbbbbb); add it there, or turn the range off")
	if err := asked(t, h, h.Address(), h.target(1), func(*tencent.Config) {}); err != nil {
		t.Error(err)
	}
}

func TestTheFakesOddAnswersAreUnderstood(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]faketencent.Dialect{
		"older codes": {Mutex: "DesOperation.MutexTaskRunning", AssociateStatus: "InvalidAddressState", DisassociateStatus: "InvalidAddressIdStatus.NotPermit"},
		"null task":   {NullTaskID: true},
		"stale":       {StaleInstance: true},
	} {
		h := newHarness(t, subjects[providers.KindEIP])
		h.api.SetDialect(d)
		p, to := h.Provider(), h.target(1)
		h.Place(h.target(0))
		for range 2 {
			seen, err := p.Owner(t.Context(), h.Address())
			h.must(err)
			if _, err := p.Assign(t.Context(), h.Address(), to, seen); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			_, err = p.Assign(t.Context(), h.Address(), to, seen)
			wantLine(t, err, providers.Busy, "")
			h.Settle()
		}
		if h.Owner() != to {
			t.Errorf("%s: held by %s", name, h.Owner())
		}
		_, err := p.Assign(t.Context(), h.Address(), h.target(2), providers.Assignment{})
		wantLine(t, err, providers.Conflict, "")
	}
}
