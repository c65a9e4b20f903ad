// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package tencent gives the fake cloud the face of Tencent Cloud: API 3.0 of the
// services vpc and cvm as far as fipctl touches it, and each machine's metadata
// service. Import it as faketencent.
//
// It answers as the API documents and the vendor's clients say the service does, and
// never decides who holds an address; the model does. Where documents disagree, or a
// code is seen that none lists, [Dialect] has a choice.
//
//	kind        holder in the model       moves by
//	EIP         Instance and PrivateIP    DisassociateAddress, AssociateAddress: a task each
//	HAVIP       Instance                  Announce, the guest's gratuitous ARP; no call does it
//	private IP  Instance and Interface    MigratePrivateIpAddress: one task
//	route       PrivateIP                 ReplaceRoutes, at once
//
// What else holds an address is named by its id as the instance (lb-, nat-, havip-),
// or, on an interface that is on no machine, without an instance. A hand in the
// console, or a rival, is [fakecloud.Model.Place].
//
// Every call is checked like the real ones: its TC3-HMAC-SHA256 signature is computed
// again, its timestamp may be 300 s off the model's clock, a temporary credential
// needs its token and ends, and a credential with a list of actions is refused all
// others. Errors come with status 200.
//
// There are two kinds of tasks. Those of EIPs are asked for by number, with
// DescribeTaskResult, although the writes answer with a string; all others by the
// RequestId of the write, with DescribeVpcTaskResult.
//
// Faults of package face do what they say; face.Code takes any code, and
// face.DoneSpelling the odd spellings: a TaskId of null, a HAVIP that is UNBOUND.
//
// Not served, and answered with an error: GET, addresses that the service chooses,
// another destination for a route, and what creates or deletes. A private IP that
// moves leaves an EIP of its behind, which may not be what the service does.
package tencent
