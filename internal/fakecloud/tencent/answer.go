// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// document is a JSON object of an answer.
type document map[string]any

// failure is the Error object of an answer. Its text may change at any time, and
// with X-TC-Language: clients must go by the code.
type failure struct {
	Code    string
	Message string
}

func fail(code, format string, args ...any) *failure {
	return &failure{code, fmt.Sprintf(format, args...)}
}

func malformed(field, value string) *failure {
	return fail("InvalidParameterValue.Malformed", "The value %q of %s is malformed.", value, field)
}

func notFound(what, id string) *failure {
	return fail("ResourceNotFound", "The %s %q does not exist.", what, id)
}

func mutex(id string) *failure {
	return fail("UnsupportedOperation.MutexOperationTaskRunning", "Another task of %q is running.", id)
}

// encode wraps the result or the failure in the envelope, which has status 200 for
// both.
func encode(c *face.Call, result document, f *failure) face.Answer {
	response := document{"RequestId": c.RequestID}
	for name, value := range result {
		response[name] = value
	}
	if f != nil {
		response = document{"RequestId": c.RequestID, "Error": f}
		if c.Effect == "" {
			c.Effect = fmt.Sprintf("none: %s", f.Code)
		}
	}
	body, err := json.Marshal(document{"Response": response})
	if err != nil {
		panic(fmt.Sprintf("encode the answer to %s: %v", c.Action, err)) // our documents always encode
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	return face.Answer{Status: http.StatusOK, Header: h, Body: body}
}

// Fail returns the answer for an error that the script wants: its code, or the
// throttling code, or a page of the gateway for any other status.
func (a *api) Fail(c *face.Call, status int, _ time.Duration) face.Answer {
	switch {
	case c.Fault.Code != "":
		return encode(c, nil, fail(c.Fault.Code, "The script wants this error."))
	case status == http.StatusTooManyRequests:
		return encode(c, nil, a.throttled(c.Action))
	case status == http.StatusRequestEntityTooLarge:
		return encode(c, nil, fail("RequestSizeLimitExceeded", "The request is too large."))
	}
	return page(status)
}

// page is what the gateway answers where no service does.
func page(status int) face.Answer {
	h := http.Header{}
	h.Set("Content-Type", "text/html")
	text := fmt.Sprintf("<html>\r\n<head><title>%d %s</title></head>\r\n<body></body>\r\n</html>\r\n",
		status, http.StatusText(status))
	return face.Answer{Status: status, Header: h, Body: []byte(text)}
}
