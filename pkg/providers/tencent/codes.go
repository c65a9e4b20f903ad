// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"slices"
	"strings"

	"github.com/fipctl/fipctl/pkg/providers"
)

// meaning is what a code means, for a read and for a write, and what an operator can
// do about it.
type meaning struct {
	read, write providers.Kind
	hint        string
}

// The hints that depend on the call.
const (
	hintPermission = "permission"
	hintRegion     = "region"
)

const (
	codeSignatureExpire  = "AuthFailure.SignatureExpire"
	codeSecretIDNotFound = "AuthFailure.SecretIdNotFound"
	codeTokenFailure     = "AuthFailure.TokenFailure"
	codeInvalidToken     = "UnauthorizedOperation.InvalidToken"
)

func both(k providers.Kind, hint string) meaning { return meaning{k, k, hint} }

// The meanings that many codes have.
var (
	throttled = both(providers.Throttled, "")
	busy      = both(providers.Busy, "")
	invalid   = both(providers.Invalid, "")
	notFound  = both(providers.NotFound, "")
	denied    = both(providers.Denied, hintPermission)
	// broken may have happened before or after the effect.
	broken = meaning{providers.Transient, providers.Ambiguous, ""}
	// status forbids a write: who holds the address now is learnt by reading. It is
	// never a success, though the reason may be that the write was made already.
	status = meaning{providers.Transient, providers.Conflict, ""}
)

// codes has the codes of the services vpc and cvm that a caller may meet, and the
// first parts of codes (before the dot) for those that are not in it. Sources: "Common
// error codes" of API 3.0 and the pages of the actions in use.
var codes = map[string]meaning{
	// Rate limits: of the gateway, and of vpc itself. Plain LimitExceeded is a quota.
	"RequestLimitExceeded":        throttled,
	"LimitExceeded.ActionLimited": throttled,

	// Credentials and clocks.
	"AuthFailure":                       both(providers.Denied, "check the credential"),
	codeSecretIDNotFound:                both(providers.Denied, "the SecretId does not exist or was disabled"),
	"AuthFailure.InvalidSecretId":       both(providers.Denied, "the SecretId is not one of the cloud's API keys"),
	"AuthFailure.SignatureFailure":      both(providers.Denied, "the SecretKey does not belong to the SecretId"),
	codeTokenFailure:                    both(providers.Denied, hintToken),
	codeInvalidToken:                    both(providers.Denied, hintToken), // of cvm
	"AuthFailure.UnauthorizedOperation": denied,
	codeSignatureExpire:                 both(providers.Denied, ""),
	"UnauthorizedOperation":             denied,
	"IpInBlacklist":                     both(providers.Denied, "this machine's public address is on the key's black list"),
	"IpNotInWhitelist":                  both(providers.Denied, "this machine's public address is not on the key's white list"),

	// These two stand among the permissions and are none ("MigratePrivateIpAddress"):
	// the address has left the interface that it was seen on, and it is primary.
	"UnauthorizedOperation.AttachmentNotFound": status,
	"UnauthorizedOperation.PrimaryIp":          both(providers.Invalid, hintPrimary),
	"UnsupportedOperation.PrimaryIp":           both(providers.Invalid, hintPrimary),
	"UnsupportedOperation.AttachmentNotFound":  status,

	// The status of an EIP forbids it: the first is answered to binding a bound EIP, the
	// second of one that is UNBINDING (seen by users of the vendor's tools); the others
	// depend on the age of the API.
	"UnsupportedOperation.AddressStatusNotPermit":        status,
	"InvalidAddressId.StatusNotPermit":                   status,
	"InvalidAddressIdStatus":                             status,
	"InvalidAddressState":                                status,
	"InvalidParameterValue.PrivateIpAddressNotMatch":     status,
	"InvalidParameterValue.InstanceNotMatchAssociateEni": status,
	"InvalidParameterValue.NetworkInterfaceIdNotMatch":   status,
	// The target has an EIP, maybe this one.
	"InvalidInstanceId.AlreadyBindEip":       {providers.Transient, providers.Conflict, hintOccupied},
	"InvalidPrivateIpAddress.AlreadyBindEip": {providers.Transient, providers.Conflict, hintOccupied},
	// A private IP is taken, or a resource works on something.
	"ResourceInUse": status,

	// Something is under way and passes by itself.
	"OperationDenied.MutexTaskRunning":               busy,
	"DesOperation.MutexTaskRunning":                  busy,
	"UnsupportedOperation.MutexOperationTaskRunning": busy,
	"UnsupportedOperation.InvalidState":              busy,
	"UnsupportedOperation.IdempotentProcessing":      busy,
	"UnsupportedOperation.InstanceStateNotSupported": busy,
	"InvalidParameterValue.InvalidInstanceState":     busy,
	"OperationDenied.InstanceOperationInProgress":    busy,
	"InvalidInstance.NotSupported":                   both(providers.Busy, "the machine is being changed, or in a state that does not permit this"),
	"UnsupportedOperation.InstanceStatusNotPermit":   both(providers.Busy, "a machine that is stopped without charge cannot have an EIP"),
	"FailedOperation.NetDetectTimeOut":               busy,
	"ResourceBusy":                                   busy,
	"ResourceUnavailable":                            busy,

	// What does not exist.
	"ResourceNotFound":                               notFound,
	"InvalidAddressId.NotFound":                      notFound,
	"InvalidInstanceId.NotFound":                     notFound,
	"InvalidNetworkInterfaceId.NotFound":             notFound,
	"InvalidParameterValue.AddressNotFound":          notFound,
	"InvalidParameterValue.NetworkInterfaceNotFound": notFound,
	"FailedOperation.AddressEniInfoNotFound":         notFound,
	"FailedOperation.MasterEniNotFound":              notFound,

	// What an operator must change.
	"UnsupportedRegion":                                       both(providers.Invalid, hintRegion),
	"InvalidAddressId.Blocked":                                both(providers.Invalid, hintBlocked),
	"OperationDenied.AddressInArrears":                        both(providers.Invalid, hintArrears),
	"InvalidAddressIdState.InArrears":                         both(providers.Invalid, hintArrears),
	"InvalidParameterValue.InstanceHasWanIP":                  both(providers.Invalid, "the machine has an ordinary public IP; return that first"),
	"LimitExceeded":                                           both(providers.Invalid, "a quota of the account is used up"),
	"AddressQuotaLimitExceeded":                               both(providers.Invalid, "a quota of the account is used up"),
	"UnsupportedProtocol":                                     both(providers.Invalid, "check "+OptionEndpoint),
	"NoSuchProduct":                                           both(providers.Invalid, "check "+OptionEndpoint),
	"NoSuchVersion":                                           both(providers.Invalid, "check "+OptionEndpoint),
	"InvalidAction":                                           both(providers.Unsupported, "check "+OptionEndpoint),
	"UnsupportedOperation.ActionNotFound":                     both(providers.Unsupported, "check "+OptionEndpoint),
	"ActionOffline":                                           both(providers.Unsupported, ""),
	"UnsupportedOperation.AddressIpNotSupportInstance":        both(providers.Invalid, hintEIPKind),
	"UnsupportedOperation.IncorrectAddressResourceType":       both(providers.Invalid, hintEIPKind),
	"UnsupportedOperation.InvalidAddressInternetChargeType":   both(providers.Invalid, hintEIPKind),
	"UnsupportedOperation.IspNotSupported":                    both(providers.Invalid, hintEIPKind),
	"UnsupportedOperation.InvalidAction":                      invalid,
	"UnsupportedOperation.Ecmp":                               invalid,
	"UnsupportedOperation.EcmpWithUserRoute":                  invalid,
	"UnsupportedOperation.EcmpWithCcnRoute":                   invalid,
	"UnsupportedOperation.SystemRoute":                        invalid,
	"UnsupportedOperation.ConflictWithDockerRoute":            invalid,
	"UnsupportedOperation.CdcSubnetNotSupportUnLocalGateway":  invalid,
	"UnsupportedOperation.NormalSubnetNotSupportLocalGateway": invalid,
	"UnsupportedOperation.AppIdMismatch":                      invalid,
	"UnsupportedOperation.ResourceMismatch":                   invalid,
	"UnsupportedOperation.IdempotentParameterMismatch":        invalid,
	// First parts, of which nothing is known but that they ask for another request.
	"ResourceInsufficient":      invalid,
	"RequestSizeLimitExceeded":  invalid,
	"InvalidParameter":          invalid,
	"InvalidParameterValue":     invalid,
	"InvalidParameterConflict":  invalid,
	"InvalidAccount":            invalid,
	"InvalidAddressId":          invalid,
	"InvalidInstanceId":         invalid,
	"InvalidNetworkInterfaceId": invalid,
	"InvalidPrivateIpAddress":   invalid,
	"InvalidFilter":             invalid,
	"InvalidFilterValue":        invalid,
	"InvalidHostId":             invalid,
	"InvalidSecurityGroupId":    invalid,
	"InvalidSgId":               invalid,
	"InvalidZone":               invalid,
	"MissingParameter":          invalid,
	"UnknownParameter":          invalid,
	"InvalidRequest":            invalid,
	"OperationDenied":           invalid,

	// The route has been deleted or replaced since it was read.
	"UnsupportedOperation.RecordNotExists": status,
	// Any other operation that is not supported just now: most are about a status.
	"UnsupportedOperation": status,
}

const (
	hintPrimary  = "the address is the primary one of an interface; only a secondary one can move"
	hintOccupied = "the target holds an EIP already; unbind that first, if it is another one"
	hintBlocked  = "the EIP is blocked for security reasons; it cannot be bound until that is lifted"
	hintEIPKind  = "an EIP of this type, carrier or billing cannot be bound to this machine"
	hintToken    = "the temporary credential has expired or was withdrawn; with a role, check that it is still bound to this machine"
	hintArrears  = "the EIP is in arrears; it cannot be bound until the account is paid"
)

// takes are the writes that take an address off its holder, which the one names and the
// other finds by itself.
var takes = []string{"DisassociateAddress", "MigratePrivateIpAddress"}

// ofAddress are the codes that say of the address itself that there is none.
var ofAddress = []string{"InvalidAddressId.NotFound", "InvalidParameterValue.AddressNotFound"}

// of returns what a code means for a write. What does not exist for one that takes an address
// off its holder is that holder: the address has another by now, or none.
func (m meaning) of(action, code string) providers.Kind {
	if m.write == providers.NotFound && slices.Contains(takes, action) && !slices.Contains(ofAddress, code) {
		return providers.Conflict
	}
	return m.write
}

// lookup returns the meaning of a code: its own, or that of its first part. Of a code
// that nobody knows nothing follows: what it is about may have taken effect.
func lookup(code string) meaning {
	if m, ok := codes[code]; ok {
		return m
	}
	first, _, _ := strings.Cut(code, ".")
	if m, ok := codes[first]; ok {
		return m
	}
	return broken // among them FailedOperation, InternalError, InternalServerError, ServiceUnavailable
}

// staleCredential reports whether a code says that a credential was valid once.
func staleCredential(code string) bool {
	return code == codeTokenFailure || code == codeInvalidToken || code == codeSecretIDNotFound
}
