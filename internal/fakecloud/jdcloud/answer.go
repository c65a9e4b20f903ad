// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// reply is an answer before it is encoded: a result (nil: none, as most changes
// have), or an error.
type reply struct {
	result any
	err    *failure
}

// failure is the error member of an answer. The HTTP status is its code.
type failure struct {
	Code    int    `json:"code"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

// failures are the status words with their code and a text ("public error codes" of
// the gateway; the error tables of the vm and vpc services). What no text is known of
// has a plausible one.
var failures = map[string]failure{
	"HTTP_BAD_REQUEST":              {400, "HTTP_BAD_REQUEST", "the request blocked by security rules"},
	"INVALID_ARGUMENT":              {400, "INVALID_ARGUMENT", "Request parameter is invalid"},
	"FAILED_PRECONDITION":           {400, "FAILED_PRECONDITION", "Precondition failed"},
	"ACCESS_ERROR":                  {401, "ACCESS_ERROR", invalidAuth},
	"HTTP_FORBIDDEN":                {403, "HTTP_FORBIDDEN", "api is disabled"},
	"PERMISSION_DENIED":             {403, "PERMISSION_DENIED", "permission denied"},
	"NOT_FOUND":                     {404, "NOT_FOUND", "Resource not found"},
	"CONFLICT":                      {409, "CONFLICT", "Conflict of parameters or resources"},
	"HTTP_REQUEST_ENTITY_TOO_LARGE": {413, "HTTP_REQUEST_ENTITY_TOO_LARGE", "request entity too large"},
	"HTTP_URI_TOO_LONG":             {414, "HTTP_URI_TOO_LONG", "uri too long"},
	"HTTP_RATE_LIMIT_EXCEEDED":      {429, "HTTP_RATE_LIMIT_EXCEEDED", "minute rate limit exceeded, role:ak"},
	"QUOTA_EXCEEDED":                {429, "QUOTA_EXCEEDED", "Quota exceeded"},
	"INTERNAL":                      {500, "INTERNAL", "Internal server error"},
	"UNKNOWN":                       {500, "UNKNOWN", "Unknown server error"},
	"HTTP_INTERNAL_SERVER_ERROR":    {500, "HTTP_INTERNAL_SERVER_ERROR", "internal server error"},
	"HTTP_BAD_GATEWAY":              {502, "HTTP_BAD_GATEWAY", "bad gateway"},
	"HTTP_SERVICE_UNAVAILABLE":      {503, "HTTP_SERVICE_UNAVAILABLE", "service unavailable"},
	"HTTP_SERVER_TIMING_OUT":        {504, "HTTP_SERVER_TIMING_OUT", "server timing out"},
}

// statusWords are the status words of errors that a script asks for by code.
var statusWords = map[int]string{
	400: "HTTP_BAD_REQUEST", 401: "ACCESS_ERROR", 403: "HTTP_FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT",
	413: "HTTP_REQUEST_ENTITY_TOO_LARGE", 414: "HTTP_URI_TOO_LONG", 429: "HTTP_RATE_LIMIT_EXCEEDED",
	500: "UNKNOWN", 503: "HTTP_SERVICE_UNAVAILABLE", 504: "HTTP_SERVER_TIMING_OUT",
}

// fail returns an error of the given status word, with its usual text if message is
// empty.
func fail(status, message string) reply {
	f, ok := failures[status]
	if !ok {
		f = failure{http.StatusBadRequest, status, status}
	}
	if message != "" {
		f.Message = message
	}
	return reply{err: &f}
}

// The answers that several operations give.
func noRoute() reply { return fail("NOT_FOUND", "no route and no API found with those values") }

func notFound() reply { return fail("NOT_FOUND", "") } // of the vpc and ag services

func noInstance(id string) reply {
	return fail("NOT_FOUND", fmt.Sprintf("Instance '%s' not found", id))
}

func invalid(format string, args ...any) reply {
	return fail("INVALID_ARGUMENT", fmt.Sprintf(format, args...))
}

func precondition(format string, args ...any) reply {
	return fail("FAILED_PRECONDITION", fmt.Sprintf(format, args...))
}

// encode turns a reply into what goes over the wire. The date is the model's, for
// clients that measure their clock by it.
func (a *api) encode(c *face.Call, re reply) face.Answer {
	doc := struct {
		RequestID string   `json:"requestId"`
		Result    any      `json:"result,omitempty"`
		Error     *failure `json:"error,omitempty"`
	}{c.RequestID, re.result, re.err}
	status := http.StatusOK
	if re.err != nil {
		status = re.err.Code
		if c.Effect == "" {
			c.Effect = "none: " + re.err.Message
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("encode the answer to %s %s: %v", c.Method, c.Path, err)) // our documents always encode
	}
	return face.Answer{Status: status, Header: a.header("application/json; charset=utf-8"), Body: body}
}

func (a *api) header(contentType string) http.Header {
	return http.Header{
		"Content-Type": {contentType},
		"Date":         {a.model.Now().UTC().Format(http.TimeFormat)},
	}
}

// Fail returns the answer for an error that the script wants. A code is a status
// word, if need be with a text: "FAILED_PRECONDITION: Invalid instance status
// 'stopping'". The front end answers 502 with a page, unless asked by its code.
func (a *api) Fail(c *face.Call, status int, retryAfter time.Duration) face.Answer {
	if status == http.StatusBadGateway {
		return face.Answer{Status: status, Header: a.header("text/html"), Body: []byte(badGateway)}
	}
	word, message, _ := strings.Cut(c.Fault.Code, ": ")
	if word == "" {
		word = statusWords[status]
	}
	answer := a.encode(c, fail(word, message))
	if word == "" {
		answer.Status = status
	}
	if retryAfter > 0 {
		answer.Header.Set("Retry-After", strconv.Itoa(int(math.Ceil(retryAfter.Seconds()))))
	}
	return answer
}

const badGateway = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
