// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

// Quit closes the connections that are kept warm, for tests that look for leaks.
func (c *Cloud) Quit() { c.client.http.HTTP().CloseIdleConnections() }
