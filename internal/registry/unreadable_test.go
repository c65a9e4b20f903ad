// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

// TestAFileThatCannotBeReadIsNoRefusal: nothing leaves, and the error says that it is this
// machine's. What may be over at the next attempt is transient.
func TestAFileThatCannotBeReadIsNoRefusal(t *testing.T) {
	t.Parallel()
	const failingDisk = "/proc/self/mem" // reading it from its beginning is EIO
	if _, err := os.Stat(failingDisk); err != nil {
		t.Skip("there is no file here that cannot be read: ", err)
	}
	private := netip.MustParseAddr("10.0.4.20")
	for _, tc := range []struct {
		provider, text string
		settings       Settings
		address        providers.Address
		to             providers.Target
	}{
		{"digitalocean", "dop_v1_x", Settings{}, providers.Address{Kind: "reserved-ip"}, providers.Target{Instance: "123"}},
		{"tencent", "TENCENTCLOUD_SECRET_ID=a\nTENCENTCLOUD_SECRET_KEY=b", Settings{Region: "ap-guangzhou"}, providers.Address{Kind: providers.KindEIP, ID: "eip-1"}, providers.Target{Instance: "ins-1", PrivateIP: private}},
		{"jdcloud", "JDCLOUD_ACCESS_KEY=a\nJDCLOUD_SECRET_KEY=b", Settings{Region: "cn-north-1"}, providers.Address{Kind: providers.KindEIP, ID: "fip-1"}, providers.Target{Instance: "i-1", Interface: "port-1", PrivateIP: private}},
	} {
		path := write(t, tc.text, 0o600)
		s := tc.settings
		s.Endpoint, s.LookupEnv, s.CredentialsFile = "http://127.0.0.1:1", env(nil), path
		if tc.provider == "digitalocean" {
			s.CredentialsFile, s.TokenFile = "", path
		}
		cloud, err := Open(tc.provider, s)
		if err != nil {
			t.Fatal(err)
		}
		tc.address.Provider, tc.address.IP = tc.provider, netip.MustParseAddr("203.0.113.10")
		calls := func(want providers.Kind, text string) {
			t.Helper()
			p := cloud.Kinds[tc.address.Kind]
			_, read := p.Owner(t.Context(), tc.address)
			_, wrote := p.Assign(t.Context(), tc.address, tc.to, providers.Assignment{})
			for _, err := range []error{read, wrote} {
				if providers.KindOf(err) != want || !errors.Is(err, providers.ErrCredentials) || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "denied:") {
					t.Errorf("%s: got %v, want %v and %q", tc.provider, err, want, text)
				}
			}
		}
		first := cloud.Fingerprint()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		calls(providers.Denied, ": no credentials: read ")
		if got := cloud.Fingerprint(); got != Unreadable {
			t.Errorf("%s: without the file: %q", tc.provider, got)
		}
		if err := os.Symlink(failingDisk, path); err != nil {
			t.Fatal(err)
		}
		calls(providers.Transient, "input/output error")
		if got := cloud.Fingerprint(); got != "" || first == "" {
			t.Errorf("%s: what cannot be told now is %q", tc.provider, got)
		}
	}
}
