// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// TestRefusals has a row for what the pages of the actions and the page of common
// error codes say, each once as a read and once as a write.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ code, read, write, text string }{
		{"RequestLimitExceeded", "throttled", "throttled", ""},
		{"RequestLimitExceeded.UinLimitExceeded", "throttled", "throttled", ""},
		{"RequestLimitExceeded.OfLaterDays", "throttled", "throttled", ""},
		{"LimitExceeded.ActionLimited", "throttled", "throttled", ""},
		{"LimitExceeded", "invalid", "invalid", "quota"},
		{"LimitExceeded.InstanceAddressQuota", "invalid", "invalid", "quota"},
		{"AddressQuotaLimitExceeded.DailyAllocate", "invalid", "invalid", "quota"},

		{"UnauthorizedOperation", "denied", "denied", "this credential may not "},
		{"UnauthorizedOperation.NoPermission", "denied", "denied", "this credential may not "},
		{"AuthFailure.UnauthorizedOperation", "denied", "denied", "this credential may not "},
		{"AuthFailure.SecretIdNotFound", "denied", "denied", "does not exist or was disabled"},
		{"AuthFailure.SignatureFailure", "denied", "denied", "the SecretKey does not belong to the SecretId"},
		{"AuthFailure.TokenFailure", "denied", "denied", "the temporary credential has expired"},
		{"UnauthorizedOperation.InvalidToken", "denied", "denied", "the temporary credential has expired"},
		{"AuthFailure.InvalidAuthorization", "denied", "denied", "check the credential"},
		{"IpNotInWhitelist", "denied", "denied", "white list"},

		{"UnauthorizedOperation.AttachmentNotFound", "transient", "conflict", ""},
		{"UnauthorizedOperation.PrimaryIp", "invalid", "invalid", "only a secondary one can move"},
		{"UnsupportedOperation.PrimaryIp", "invalid", "invalid", "only a secondary one can move"},

		{"UnsupportedOperation.AddressStatusNotPermit", "transient", "conflict", ""},
		{"InvalidAddressId.StatusNotPermit", "transient", "conflict", ""},
		{"InvalidAddressIdStatus.NotPermit", "transient", "conflict", ""},
		{"InvalidAddressState", "transient", "conflict", ""},
		{"InvalidInstanceId.AlreadyBindEip", "transient", "conflict", "holds an EIP already"},
		{"InvalidPrivateIpAddress.AlreadyBindEip", "transient", "conflict", "holds an EIP already"},
		{"InvalidParameterValue.PrivateIpAddressNotMatch", "transient", "conflict", ""},
		{"InvalidParameterValue.InstanceNotMatchAssociateEni", "transient", "conflict", ""},
		{"ResourceInUse", "transient", "conflict", ""},
		{"ResourceInUse.Address", "transient", "conflict", ""},
		{"UnsupportedOperation.RecordNotExists", "transient", "conflict", ""},
		{"InvalidParameterValue.NetworkInterfaceIdNotMatch", "transient", "conflict", ""},
		{"UnsupportedOperation.OfLaterDays", "transient", "conflict", ""},

		{"OperationDenied.MutexTaskRunning", "busy", "busy", ""},
		{"DesOperation.MutexTaskRunning", "busy", "busy", ""},
		{"UnsupportedOperation.MutexOperationTaskRunning", "busy", "busy", ""},
		{"UnsupportedOperation.InvalidState", "busy", "busy", ""},
		{"FailedOperation.NetDetectTimeOut", "busy", "busy", ""},
		{"InvalidParameterValue.InvalidInstanceState", "busy", "busy", ""},
		{"UnsupportedOperation.InstanceStateNotSupported", "busy", "busy", ""},
		{"UnsupportedOperation.InstanceStatusNotPermit", "busy", "busy", "stopped without charge"},
		{"UnsupportedOperation.IdempotentProcessing", "busy", "busy", ""},
		{"InvalidInstance.NotSupported", "busy", "busy", "the machine is being changed"},
		{"OperationDenied.InstanceOperationInProgress", "busy", "busy", ""},
		{"ResourceBusy", "busy", "busy", ""},
		{"ResourceUnavailable", "busy", "busy", ""},

		{"ResourceNotFound", "not-found", "not-found", ""},
		{"InvalidAddressId.NotFound", "not-found", "not-found", ""},
		{"InvalidInstanceId.NotFound", "not-found", "not-found", ""},
		{"InvalidNetworkInterfaceId.NotFound", "not-found", "not-found", ""},
		{"FailedOperation.AddressEniInfoNotFound", "not-found", "not-found", ""},
		{"FailedOperation.MasterEniNotFound", "not-found", "not-found", ""},
		{"InvalidParameterValue.AddressNotFound", "not-found", "not-found", ""},
		{"InvalidParameterValue.NetworkInterfaceNotFound", "not-found", "not-found", ""},

		{"InvalidAddressId.Blocked", "invalid", "invalid", "blocked"},
		{"OperationDenied.AddressInArrears", "invalid", "invalid", "arrears"},
		{"InvalidAddressIdState.InArrears", "invalid", "invalid", "arrears"},
		{"InvalidParameterValue.InstanceHasWanIP", "invalid", "invalid", "ordinary public IP"},
		{"InvalidAccount.NotSupported", "invalid", "invalid", ""},
		{"UnsupportedOperation.AddressIpNotSupportInstance", "invalid", "invalid", "cannot be bound to this machine"},
		{"UnsupportedOperation.IncorrectAddressResourceType", "invalid", "invalid", "cannot be bound to this machine"},
		{"UnsupportedOperation.InvalidAddressInternetChargeType", "invalid", "invalid", "cannot be bound to this machine"},
		{"UnsupportedOperation.IspNotSupported", "invalid", "invalid", "cannot be bound to this machine"},
		{"UnsupportedOperation.InvalidAction", "invalid", "invalid", ""},
		{"UnsupportedOperation.ActionNotFound", "unsupported", "unsupported", "check endpoint"},
		{"UnsupportedOperation.CdcSubnetNotSupportUnLocalGateway", "invalid", "invalid", ""},
		{"UnsupportedOperation.NormalSubnetNotSupportLocalGateway", "invalid", "invalid", ""},
		{"InvalidFilter", "invalid", "invalid", ""},
		{"UnsupportedOperation.Ecmp", "invalid", "invalid", ""},
		{"UnsupportedOperation.SystemRoute", "invalid", "invalid", ""},
		{"InvalidParameterValue.Malformed", "invalid", "invalid", ""},
		{"InvalidParameterValue.VpcCidrConflict", "invalid", "invalid", ""},
		{"MissingParameter", "invalid", "invalid", ""},
		{"UnsupportedRegion", "invalid", "invalid", "region: ap-guangzhou is not a region of this service"},
		{"NoSuchVersion", "invalid", "invalid", "check endpoint"},
		{"InvalidAction", "unsupported", "unsupported", "check endpoint"},

		{"InternalError", "transient", "ambiguous", ""},
		{"InternalError.ModuleError", "transient", "ambiguous", ""},
		{"InternalServerError", "transient", "ambiguous", ""},
		{"FailedOperation.TaskFailed", "transient", "ambiguous", ""},
		{"ServiceUnavailable", "transient", "ambiguous", ""},
		{"SomethingNew.OfLaterDays", "transient", "ambiguous", ""},
	} {
		t.Run(tc.code, func(t *testing.T) {
			t.Parallel()
			answer := refused(tc.code, "some words")
			c, r := start(t, script{"DescribeAddresses": answer, "AssociateAddress": answer})
			p := provider(t, c, providers.KindEIP)
			got, err := p.Owner(t.Context(), eip1)
			checkRefusal(t, err, tc.code, tc.read, tc.text)
			if !got.Target.IsZero() {
				t.Errorf("an owner came with the error: %+v", got)
			}
			_, err = p.Assign(t.Context(), eip1, as(providers.KindEIP, instanceA), providers.Assignment{})
			checkRefusal(t, err, tc.code, tc.write, tc.text)
			if n := len(r.seen()); n != 2 {
				t.Errorf("%d requests, want each once", n)
			}
		})
	}
}

func checkRefusal(t *testing.T, err error, code, kind, text string) {
	t.Helper()
	want(t, err, kind, text)
	var e *providers.Error
	if !errors.As(err, &e) || e.Code != code || e.RequestID != "req-1" || e.RetryAfter != 0 || e.Provider != Name {
		t.Errorf("got %#v", err)
	}
}

func TestAMissingPermissionIsNamedAsTheCloudNamesIt(t *testing.T) {
	t.Parallel()
	for message, text := range map[string]string{
		"[request id:x]you are not authorized to perform operation (cvm:AssociateAddress)\nresource (qcs::cvm:ap-guangzhou:uin/1:eip/*) has no permission\n": "this credential may not cvm:AssociateAddress; allow that in its CAM policy",
		"no": "this credential may not cvm:AssociateAddress; allow that in its CAM policy",
		"You are not authorized to perform this operation. Check your CAM policies, and ensure that you are using the correct access keys. " +
			"[[request id:00000000-0000-4000-8000-000000000008]you are not authorized to perform operation (cvm:NamedFarBehind)\nresource (qcs::cvm:ap-guangzhou:uin/1:eip/*) has no permission\n].": "this credential may not cvm:NamedFarBehind; allow that in its CAM policy",
	} {
		c, _ := start(t, script{"AssociateAddress": refused("UnauthorizedOperation", message)})
		_, err := provider(t, c, providers.KindEIP).Assign(t.Context(), eip1, as(providers.KindEIP, instanceA), providers.Assignment{})
		want(t, err, "denied", text)
	}
	c, _ := start(t, script{"DescribeInstances": refused("UnauthorizedOperation", "no")})
	_, err := provider(t, c, providers.KindEIP).(providers.Inspector).InstanceState(t.Context(), instanceA)
	want(t, err, "denied", "this credential may not cvm:DescribeInstances")
}

func TestAClockThatIsOffIsCompared(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ date, text string }{
		{now.Add(-10 * time.Minute).Format(http.TimeFormat), "this machine's clock is 10m0s ahead of the cloud's; set this machine's clock right"},
		{now.Add(10 * time.Minute).Format(http.TimeFormat), "this machine's clock is 10m0s behind the cloud's; set this machine's clock right"},
		{"noon", "the request's time is more than 5 minutes off; set this machine's clock right"},
	} {
		a := refused("AuthFailure.SignatureExpire", "no")
		a.header = map[string]string{"Date": tc.date}
		c, _ := start(t, script{"DescribeAddresses": a})
		_, err := provider(t, c, providers.KindEIP).Owner(t.Context(), eip1)
		want(t, err, "denied", tc.text)
	}
}

func TestWhatIsNotAnAnswerOfTheAPI(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		answer      canned
		read, write string
		code, text  string
	}{
		{"a page of the gateway", canned{status: 502, body: "<html>Bad Gateway</html>"}, "transient", "ambiguous", "502", `not an answer of the API: "<html>Bad Gateway</html>"`},
		{"a page with status 200", canned{body: "<html>"}, "transient", "ambiguous", "", `not an answer of the API: "<html>"`},
		{"a stream of events", canned{body: "data: 1\n\n", header: map[string]string{"Content-Type": "text/event-stream"}}, "transient", "ambiguous", "", "not an answer of the API"},
		{"nothing", canned{}, "transient", "ambiguous", "", `not an answer of the API: ""`},
		{"null", canned{body: "null"}, "transient", "ambiguous", "", "not an answer of the API"},
		{"no request id", canned{body: `{"Response":{"AddressSet":[]}}`}, "transient", "ambiguous", "", "not an answer of the API"},
		{"an error without a code", canned{body: `{"Response":{"Error":{"Message":"x"},"RequestId":"r"}}`}, "transient", "ambiguous", "", "not an answer of the API"},
		{"an envelope with status 500", canned{status: 500, body: `{"Response":{"RequestId":"req-1"}}`}, "transient", "ambiguous", "500", "not an answer of the API"},
		{"a proxy that wants a password", canned{status: 407, body: "no"}, "transient", "ambiguous", "407", "not an answer of the API"},
		{"a proxy that throttles", canned{status: 429}, "throttled", "throttled", "429", ""},
		{"a redirect", canned{status: 307, header: map[string]string{"Location": "http://elsewhere.test/"}}, "invalid", "invalid", "307", "redirected, which is not followed; check endpoint"},
		{"more than a line", canned{body: strings.Repeat("x\n", 4000)}, "transient", "ambiguous", "", "..."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, r := start(t, script{"DescribeAddresses": tc.answer, "AssociateAddress": tc.answer})
			p := provider(t, c, providers.KindEIP)
			for op, wanted := range map[string]string{"read": tc.read, "write": tc.write} {
				var err error
				if op == "read" {
					_, err = p.Owner(t.Context(), eip1)
				} else {
					_, err = p.Assign(t.Context(), eip1, as(providers.KindEIP, instanceA), providers.Assignment{})
				}
				want(t, err, wanted, tc.text)
				var e *providers.Error
				if !errors.As(err, &e) || e.Code != tc.code {
					t.Errorf("%s: got %#v", op, err)
				}
			}
			if n := len(r.writes()); n != 1 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

func TestAReadIsRepeatedAndAWriteIsNot(t *testing.T) {
	t.Parallel()
	c, r := start(t, script{"DescribeAddresses": {status: 502}, "AssociateAddress": {status: 502}})
	p := provider(t, c, providers.KindEIP)
	_, _ = p.Owner(t.Context(), eip1)
	_, _ = p.Assign(t.Context(), eip1, as(providers.KindEIP, instanceA), providers.Assignment{})
	if reads, writes := len(r.seen())-len(r.writes()), len(r.writes()); reads != 3 || writes != 1 {
		t.Errorf("%d reads and %d writes, want 3 and 1", reads, writes)
	}
}

func TestWhatIsMissingForACallIsSaidAndNothingSent(t *testing.T) {
	t.Parallel()
	region := func(s string, err error) func(*Config) {
		return func(c *Config) { c.Region = func(context.Context) (string, error) { return s, err } }
	}
	credential := func(cred Credential, err error) func(*Config) {
		return func(c *Config) { c.Credentials = func(context.Context) (Credential, error) { return cred, err } }
	}
	for _, tc := range []struct {
		name       string
		change     func(*Config)
		kind, text string
	}{
		{"no region", region("", nil), "invalid", "region: empty"},
		{"the region cannot be read", region("", errors.New("no answer within 2s")), "transient", "no answer within 2s"},
		{"the file of the credential is gone", credential(Credential{}, errors.New("open /x: gone")), "denied", "open /x: gone"},
		{"the role cannot be read now", credential(Credential{}, fmt.Errorf("get credential: %w", passing{errors.New("no answer within 2s")})), "transient", "no answer within 2s"},
		{"no id", credential(Credential{Key: cloudhttp.NewSecret("x")}, nil), "denied", "the credential is empty"},
		{"no key", credential(Credential{ID: "x"}, nil), "denied", "the credential is empty"},
	} {
		c, r := startWith(t, script{}, tc.change)
		_, err := provider(t, c, providers.KindEIP).Owner(t.Context(), eip1)
		want(t, err, tc.kind, tc.text)
		if len(r.seen()) != 0 {
			t.Errorf("%s: a request was sent", tc.name)
		}
	}
}

func TestACredentialThatIsNoLongerAcceptedIsReported(t *testing.T) {
	t.Parallel()
	for code, reported := range map[string]bool{
		"AuthFailure.TokenFailure": true, "AuthFailure.SecretIdNotFound": true, "UnauthorizedOperation.InvalidToken": true,
		"AuthFailure.SignatureExpire": false, "UnauthorizedOperation": false, "ResourceNotFound": false,
	} {
		var got []string
		c, _ := startWith(t, script{"DescribeAddresses": refused(code, "no")}, func(cfg *Config) {
			cfg.Refused = func(c Credential) { got = append(got, c.ID) }
		})
		_, _ = provider(t, c, providers.KindEIP).Owner(t.Context(), eip1)
		if diff := cmp.Diff(map[bool][]string{true: {"AKIDEXAMPLE"}}[reported], got); diff != "" {
			t.Errorf("%s:\n%s", code, diff)
		}
	}
}

func TestATokenThatIsRepeatedIsRedacted(t *testing.T) {
	t.Parallel()
	const token = "TOKENEXAMPLE0123456789"
	for _, a := range []canned{refused("AuthFailure.TokenFailure", "bad token "+token), refused("InternalError", token), {status: 502, body: token}} {
		c, _ := startWith(t, script{"DescribeAddresses": a}, func(cfg *Config) {
			cfg.Credentials = func(context.Context) (Credential, error) {
				return Credential{ID: "AKIDEXAMPLE", Key: cloudhttp.NewSecret("SKEXAMPLE"), Token: cloudhttp.NewSecret(token)}, nil
			}
		})
		_, err := provider(t, c, providers.KindEIP).Owner(t.Context(), eip1)
		if err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("got %v", strings.ReplaceAll(fmt.Sprint(err), token, "<token>"))
		}
	}
}

// TestWhatIsNotFoundWhereAnAddressIsTakenOffIsItsHolder: the owner is read again.
func TestWhatIsNotFoundWhereAnAddressIsTakenOffIsItsHolder(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ code, eip, private string }{
		{"FailedOperation.MasterEniNotFound", "conflict", "conflict"},
		{"FailedOperation.AddressEniInfoNotFound", "conflict", "conflict"},
		{"InvalidInstanceId.NotFound", "conflict", "conflict"},
		{"InvalidNetworkInterfaceId.NotFound", "conflict", "conflict"},
		{"ResourceNotFound", "conflict", "conflict"},
		{"InvalidAddressId.NotFound", "not-found", "not-found"},
		{"InvalidParameterValue.AddressNotFound", "not-found", "not-found"},
	} {
		no := refused(tc.code, "no")
		c, _ := start(t, script{"DisassociateAddress": no, "AssociateAddress": no, "MigratePrivateIpAddress": no, "AssignPrivateIpAddresses": no})
		for kind, wanted := range map[string]string{providers.KindEIP: tc.eip, providers.KindPrivateIP: tc.private} {
			p, a := provider(t, c, kind), map[string]providers.Address{providers.KindEIP: eip1, providers.KindPrivateIP: private1}[kind]
			_, err := p.Assign(t.Context(), a, as(kind, instanceB), providers.Assignment{Target: as(kind, instanceA)})
			want(t, err, wanted, "")
			_, err = p.Assign(t.Context(), a, as(kind, instanceB), providers.Assignment{})
			want(t, err, "not-found", "") // of the target
		}
	}
}
