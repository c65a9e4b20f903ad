// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package cloudhttp is the HTTP client under every driver that speaks JSON or
// form documents to a cloud. It owns what is the same for all of them: how long
// an attempt may take, which requests may be repeated, who may see a token, and
// how large an answer may be. It knows no cloud, classifies nothing, keeps no
// state between calls but its idle connections, how long the last reads took, to redact them the tokens of
// the attempts in flight, and how many calls the last answer said are left. It
// never logs.
//
// What it promises:
//
//  1. One attempt takes at most [AttemptTimeout], reading the body included. An answer that
//     switches protocols (101) is an error at once: its body is the bare connection. After
//     one that ran out of time all idle connections are closed, because a
//     connection whose other end is gone looks warm until something is sent.
//     A read that has no answer over a warm connection after twice the time that the slowest
//     of the last eight took, at least 0.5 s, is asked again beside it over a fresh one.
//  2. Only GET and HEAD are ever sent twice, and what a driver sends through
//     [Client.ReadTransport]. A write leaves at most once, also on
//     a kept-alive connection that the server closed in the same moment: net/http
//     repeats only what it can rewind, and the body of a write cannot be rewound
//     here. HTTP/2 is off, since its retries follow other rules. Redirects are
//     not followed.
//  3. Nothing is written to a connection once the caller's context is over. A
//     hook of net/http/httptrace attached to that context sees the connection
//     (GotConn) before the first byte leaves; cancelling the context from the
//     hook stops the request for certain. This is where a write gate is checked
//     a last time (invariant 1). With a [Config.Transport] of the caller's own
//     this is only as good as that transport.
//  4. [Sent] tells a request that never left from one that may have arrived.
//  5. A body is at most [BodyMax] bytes, and complete before the caller sees it.
//     One that is compressed in a way that was not asked for is an error at once.
//  6. The token is asked for once per attempt, so that a rotated one is picked up,
//     and is replaced by a placeholder wherever an answer repeats it. Where requests
//     are signed ([Config.Sign]) each attempt is, also a repeated read, with what was
//     sent and nothing added after it.
//
// Callers give every request a context with a deadline.
package cloudhttp
