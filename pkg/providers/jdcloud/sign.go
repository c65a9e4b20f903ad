// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// The names of the signature scheme ("Signature Algorithm"). A newer one, JDCLOUD3,
// signs one header more; changing over begins here.
const (
	algorithm  = scheme + "-HMAC-SHA256"
	scheme     = "JDCLOUD2"
	terminator = "jdcloud2_request"
	// stampLayout is the form of x-jdcloud-date, in UTC; its first 8 characters are the
	// date of the scope.
	stampLayout = "20060102T150405Z"
)

// The headers of the scheme as they are signed, which is in lower case.
const (
	headerContentType = "content-type"
	headerHost        = "host"
	headerDate        = "x-jdcloud-date"
	headerNonce       = "x-jdcloud-nonce"
	headerToken       = "x-jdcloud-security-token"
)

// scopeHeader carries region and service from the call to its signature, which may be
// made several times. It is taken off before the request leaves.
const scopeHeader = "X-Fipctl-Scope"

// scope is what a signature is valid for.
type scope struct{ date, region, service string }

func (s scope) String() string {
	return strings.Join([]string{s.date, s.region, s.service, terminator}, "/")
}

// sign is the cloudhttp.Signer of the driver: it signs one attempt at the time it is
// made, with a nonce of its own. Of what the transport adds later nothing is signed.
func (c *client) sign(req *http.Request, body []byte) ([]cloudhttp.Secret, error) {
	region, service, _ := strings.Cut(req.Header.Get(scopeHeader), "/")
	req.Header.Del(scopeHeader)
	cred, err := c.credentials(req.Context())
	if err != nil {
		return nil, err
	}
	if cred.AccessKey == "" || cred.SecretKey.IsEmpty() {
		return nil, errors.New("the access key or its secret is empty")
	}
	stamp := c.now().UTC().Format(stampLayout)
	headers := map[string]string{
		headerContentType: "application/json",
		headerHost:        req.URL.Host,
		headerDate:        stamp,
		headerNonce:       c.nonce(),
	}
	// The vendor's clients send the token of temporary credentials in base64.
	token := base64.StdEncoding.EncodeToString([]byte(cred.Token.Reveal()))
	if token != "" {
		headers[headerToken] = token
	}
	for name, value := range headers {
		if name != headerHost { // net/http sends that of the URL
			req.Header.Set(name, value)
		}
	}
	text, names := canonical(req.Method, req.URL.Path, req.URL.Query(), headers, body)
	s := scope{stamp[:8], region, service}
	req.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, cred.AccessKey, s, names, signature(cred.SecretKey, stamp, s, text)))
	return []cloudhttp.Secret{cloudhttp.NewSecret(token)}, nil
}

// canonical returns the canonical form of a request and the names of the headers in
// it, which are those of the map: lower case, the values untrimmed. The path is the
// decoded one.
func canonical(method, path string, query url.Values, headers map[string]string, body []byte) (text, names string) {
	sorted := make([]string, 0, len(headers))
	for name := range headers {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	names = strings.Join(sorted, ";")
	var lines strings.Builder
	for _, name := range sorted {
		lines.WriteString(name + ":" + strings.Join(strings.Fields(headers[name]), " ") + "\n")
	}
	return strings.Join([]string{
		strings.ToUpper(method), escape(path, "/"), canonicalQuery(query), lines.String(), names, hexSum(body),
	}, "\n"), names
}

// canonicalQuery returns the pairs sorted by name, then value.
func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, escape(name, "")+"="+escape(value, ""))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// signature returns the signature of a canonical request, in lower-case hex.
func signature(secret cloudhttp.Secret, stamp string, s scope, canonical string) string {
	text := strings.Join([]string{algorithm, stamp, s.String(), hexSum([]byte(canonical))}, "\n")
	return hex.EncodeToString(mac(signingKey(secret, s), text))
}

// signingKey is the secret after the chain of HMACs that bind it to the scope.
func signingKey(secret cloudhttp.Secret, s scope) []byte {
	key := []byte(scheme + secret.Reveal())
	for _, part := range []string{s.date, s.region, s.service, terminator} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text)) // a hash never fails
	return h.Sum(nil)
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// escape percent-encodes each byte but A-Z a-z 0-9 - . _ ~ and those in keep. Package
// url does not: it leaves the colon of a custom action alone in a path and makes a plus
// of a space in a query.
func escape(text, keep string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		switch ch := text[i]; {
		case 'a' <= ch && ch <= 'z', 'A' <= ch && ch <= 'Z', '0' <= ch && ch <= '9',
			strings.IndexByte("-._~", ch) >= 0, strings.IndexByte(keep, ch) >= 0:
			b.WriteByte(ch)
		default:
			b.WriteString(string([]byte{'%', digits[ch>>4], digits[ch&15]}))
		}
	}
	return b.String()
}

// newNonce returns a random UUID, as the vendor's clients send it.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// clockSkew returns how far this machine's clock is ahead of the API's, negative if it
// is behind, as far as the Date header of an answer tells.
func clockSkew(header http.Header, now time.Time) (time.Duration, bool) {
	at, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0, false
	}
	return now.Sub(at).Round(time.Second), true
}
