// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// The signature method TC3-HMAC-SHA256 ("Signature v3" in the API documents).
const (
	algorithm     = "TC3-HMAC-SHA256"
	signedHeaders = "content-type;host"
	clockWindow   = 300 * time.Second // how far a timestamp may be from the service's clock
)

// authorization is the header of that name in its only form.
var authorization = regexp.MustCompile(
	"^" + algorithm + " Credential=([^/, ]+)/([0-9-]{10})/([a-z]+)/tc3_request, ?" +
		"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$")

// signed is what a call's signature covers, and what it says of itself.
type signed struct {
	id, date, service, headers, signature string // from the Authorization header
	method, query, contentType, host      string
	payload                               string // the hash of the body, in hex
	timestamp                             int64  // seconds
}

// parseSigned reads the signature of c, or reports what is wrong with its form.
func parseSigned(c *face.Call) (signed, *failure) {
	for _, name := range []string{"Authorization", "X-TC-Timestamp"} {
		if c.Header.Get(name) == "" {
			return signed{}, fail("MissingParameter", "The request is missing the header %s.", name)
		}
	}
	m := authorization.FindStringSubmatch(c.Header.Get("Authorization"))
	if m == nil {
		return signed{}, fail("AuthFailure.InvalidAuthorization",
			"The Authorization header does not have the form of %s.", algorithm)
	}
	at, err := strconv.ParseInt(c.Header.Get("X-TC-Timestamp"), 10, 64)
	if err != nil {
		return signed{}, fail("InvalidParameter", "The header X-TC-Timestamp is not a number of seconds.")
	}
	body := string(c.Body)
	if c.Header.Get("X-TC-Content-SHA256") == "UNSIGNED-PAYLOAD" {
		body = "UNSIGNED-PAYLOAD"
	}
	return signed{
		id: m[1], date: m[2], service: m[3], headers: m[4], signature: m[5],
		method: c.Method, query: c.Query.Encode(),
		contentType: c.Header.Get("Content-Type"), host: c.Host,
		payload: hash(body), timestamp: at,
	}, nil
}

// sign returns the signature that the holder of key would have made.
func (s signed) sign(key string) string {
	request := s.method + "\n/\n" + s.query + "\n" +
		"content-type:" + s.contentType + "\nhost:" + s.host + "\n\n" + signedHeaders + "\n" + s.payload
	text := fmt.Sprintf("%s\n%d\n%s/%s/tc3_request\n%s", algorithm, s.timestamp, s.date, s.service, hash(request))
	k := []byte("TC3" + key)
	for _, part := range []string{s.date, s.service, "tc3_request"} {
		k = mac(k, part)
	}
	return hex.EncodeToString(mac(k, text))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// authenticate returns whose call it is, or why it is nobody's: the form first, then
// the clock, the key, the signature, and the token of a temporary credential.
func (a *api) authenticate(c *face.Call) (Credential, signed, *failure) {
	s, f := parseSigned(c)
	if f != nil {
		return Credential{}, s, f
	}
	now, cred := a.serviceNow(), a.credential(s.id)
	age := now.Sub(time.Unix(s.timestamp, 0))
	switch {
	case age.Abs() > clockWindow:
		f = fail("AuthFailure.SignatureExpire",
			"The timestamp %d is more than five minutes from the service's %d.", s.timestamp, now.Unix())
	case cred.ID == "":
		f = fail("AuthFailure.SecretIdNotFound", "The SecretId is not found. Check that it is right and enabled.")
	case s.headers != signedHeaders || s.date != time.Unix(s.timestamp, 0).UTC().Format(time.DateOnly) ||
		!hmac.Equal([]byte(s.signature), []byte(s.sign(cred.Key))):
		f = fail("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")
	case c.Header.Get("X-TC-Token") != cred.Token:
		f = fail("AuthFailure.TokenFailure", "The token is not that of the credential.")
	case cred.expired(now):
		f = fail("AuthFailure.TokenFailure", "The token has expired.")
	}
	return cred, s, f
}

// Node returns the node that the credential of c was given to. Nothing is verified.
func (a *api) Node(c *face.Call) string {
	m := authorization.FindStringSubmatch(c.Header.Get("Authorization"))
	if m == nil {
		return ""
	}
	return a.credential(m[1]).Node
}

// credential returns the credential of that id, or the zero one.
func (a *api) credential(id string) Credential {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.credentials[id]
}
