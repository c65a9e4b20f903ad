// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// errorIDs are the slugs of the errors, by status.
var errorIDs = map[int]string{
	http.StatusBadRequest:            "bad_request",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              "not_found",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusConflict:              "conflict",
	http.StatusRequestEntityTooLarge: "request_entity_too_large",
	http.StatusUnprocessableEntity:   "unprocessable_entity",
	http.StatusTooManyRequests:       "too_many_requests",
	http.StatusInternalServerError:   "server_error",
	http.StatusServiceUnavailable:    "service_unavailable",
}

// errorDocument is the body of every error.
type errorDocument struct {
	ID        string `json:"id"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

func failure(status int, message string) reply {
	id := errorIDs[status]
	if id == "" {
		id = "server_error"
	}
	return reply{status, &errorDocument{ID: id, Message: message}}
}

func notFound() reply {
	return failure(http.StatusNotFound, "The resource you requested could not be found.")
}

// encode turns a reply into what goes over the wire. A positive retryAfter is
// rounded up to seconds.
func (a *api) encode(c *face.Call, r rate, retryAfter time.Duration, re reply) face.Answer {
	h := http.Header(r.headers())
	h["Content-Type"] = []string{"application/json; charset=utf-8"}
	h["x-request-id"] = []string{c.RequestID}
	if retryAfter > 0 {
		h["retry-after"] = []string{strconv.Itoa(int(math.Ceil(retryAfter.Seconds())))}
	}
	if e, ok := re.body.(*errorDocument); ok {
		e.RequestID = c.RequestID
		if c.Effect == "" {
			c.Effect = fmt.Sprintf("none: %s", e.Message)
		}
	}
	body, err := json.Marshal(re.body)
	if err != nil {
		panic(fmt.Sprintf("encode the answer to %s %s: %v", c.Method, c.Path, err)) // our documents always encode
	}
	return face.Answer{Status: re.status, Header: h, Body: body}
}

// Fail returns the answer for an error that the script wants.
func (a *api) Fail(c *face.Call, status int, retryAfter time.Duration) face.Answer {
	token, _ := a.token(c)
	r := a.limits.count(token.Value, a.model.Now())
	message := "Server was unable to give you a response."
	switch status {
	case http.StatusTooManyRequests:
		r.remaining, message = 0, "API Rate limit exceeded."
	case http.StatusRequestEntityTooLarge:
		message = "The request body is too large."
	}
	return a.encode(c, r, retryAfter, failure(status, message))
}
