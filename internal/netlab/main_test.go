// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"fmt"
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childVariable makes the test's own program print the addresses it sees and end.
const childVariable = "NETLAB_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		addrs, err := net.InterfaceAddrs()
		fmt.Println(addrs, err)
		return
	}
	goleak.VerifyTestMain(m)
}
