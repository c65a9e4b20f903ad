// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// The scheme ("signature algorithm" in JD Cloud's documentation).
const (
	algorithm  = "JDCLOUD2-HMAC-SHA256"
	keyPrefix  = "JDCLOUD2"
	terminator = "jdcloud2_request"
	dateLayout = "20060102T150405Z"

	headerDate  = "x-jdcloud-date"
	headerNonce = "x-jdcloud-nonce"
	headerToken = "x-jdcloud-security-token"
)

// authorization is the header of that name, taken apart. What is missing is empty.
type authorization struct {
	algorithm string
	accessKey string
	scope     scope
	signed    []string // names, lower case and sorted
	signature string
}

// scope says what a signing key is good for.
type scope struct{ day, region, service, terminator string }

func (s scope) String() string {
	return strings.Join([]string{s.day, s.region, s.service, s.terminator}, "/")
}

// parseAuthorization reads `ALGORITHM Credential=..., SignedHeaders=..., Signature=...`.
func parseAuthorization(header string) (a authorization) {
	a.algorithm, header, _ = strings.Cut(header, " ")
	for _, part := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			if p := strings.Split(value, "/"); len(p) == 5 {
				a.accessKey, a.scope = p[0], scope{p[1], p[2], p[3], p[4]}
			}
		case "SignedHeaders":
			if value != "" {
				a.signed = strings.Split(strings.ToLower(value), ";")
				slices.Sort(a.signed)
			}
		case "Signature":
			a.signature = value
		}
	}
	return a
}

// canonical returns the six parts of a call that are signed, of the headers those in
// signed. Path and query come decoded and are encoded here, once, so that it does not
// matter whether the client sent ":" or "%3A".
func canonical(c *face.Call, signed []string) string {
	var headers strings.Builder
	for _, name := range signed {
		value := strings.Join(c.Header.Values(name), ",")
		if name == "host" {
			value = c.Host
		}
		headers.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	return strings.Join([]string{
		c.Method, encode(c.Path, "/"), canonicalQuery(c.Query), headers.String(),
		strings.Join(signed, ";"), hexSHA256(c.Body),
	}, "\n")
}

func canonicalQuery(q url.Values) string {
	var pairs []string
	for name, values := range q {
		for _, v := range values {
			pairs = append(pairs, encode(name, "")+"="+encode(v, ""))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// encode percent-encodes each byte that is neither unreserved nor in also.
func encode(s, also string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var out strings.Builder
	for i := range len(s) {
		if strings.IndexByte(unreserved, s[i]) >= 0 || strings.IndexByte(also, s[i]) >= 0 {
			out.WriteByte(s[i])
		} else {
			out.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{s[i]})))
		}
	}
	return out.String()
}

// sign returns the signature of a canonical request.
func sign(secret, date string, s scope, canonical string) string {
	toSign := strings.Join([]string{algorithm, date, s.String(), hexSHA256([]byte(canonical))}, "\n")
	key := []byte(keyPrefix + secret)
	for _, part := range []string{s.day, s.region, s.service, s.terminator, toSign} {
		key = hmacSHA256(key, part)
	}
	return hex.EncodeToString(key)
}

func hmacSHA256(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
