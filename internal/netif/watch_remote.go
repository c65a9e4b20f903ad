// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// Watch implements [Interfaces]. Its one request lasts for as long as it is watched.
func (r *Remote) Watch(ctx context.Context, report func(Event)) error {
	to := r.base.JoinPath("watch")
	to.RawQuery = url.Values{"node": {r.node}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return fmt.Errorf("watch interfaces: %w", err)
	}
	lasting := *r.http
	lasting.Timeout = 0
	resp, err := lasting.Do(req)
	if err == nil {
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			err = eachEvent(json.NewDecoder(resp.Body), report)
		} else {
			err = fmt.Errorf("answer %s", resp.Status)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("watch interfaces: %w", err)
}

// eachEvent reports what comes until something else than an event does.
func eachEvent(lines *json.Decoder, report func(Event)) error {
	for {
		var e Event
		if err := lines.Decode(&e); err != nil {
			return err
		}
		report(e)
	}
}
