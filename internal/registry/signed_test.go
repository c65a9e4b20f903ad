// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// pairs are complete environments of the providers that sign.
var pairs = map[string]map[string]string{
	"jdcloud": {"JDCLOUD_ACCESS_KEY": "an-id", "JDCLOUD_SECRET_KEY": "hush"},
	"tencent": {"TENCENTCLOUD_SECRET_ID": "an-id", "TENCENTCLOUD_SECRET_KEY": "hush"},
}

func TestEveryKindOfASigningProviderIsOpened(t *testing.T) {
	t.Parallel()
	for name, vars := range pairs {
		cloud, err := Open(name, Settings{LookupEnv: env(vars)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		d, _ := Describe(name)
		for _, k := range d.Kinds {
			p := cloud.Kinds[k.Name]
			if p == nil {
				t.Errorf("%s %s is described and not opened", name, k.Name)
				continue
			}
			if diff := cmp.Diff(p.Capabilities(), k.Capabilities); diff != "" {
				t.Errorf("%s %s: %s", name, k.Name, diff)
			}
			if k.ID.Key == "" || k.ID.Text == "" || !strings.HasSuffix(k.ID.Prefix, "-") {
				t.Errorf("%s %s: nothing says how it is found: %+v", name, k.Name, k.ID)
			}
		}
		if len(cloud.Kinds) != len(d.Kinds) || !d.Signed {
			t.Errorf("%s: %d kinds opened, %d described, signed %v", name, len(cloud.Kinds), len(d.Kinds), d.Signed)
		}
	}
	if d, _ := Describe("jdcloud"); d.Refused[providers.KindHAVIP] == "" {
		t.Error("nothing says why jdcloud moves no HAVIP")
	}
}

// TestCredentialsOfSigningProviders looks at what a request says of its credentials.
func TestCredentialsOfSigningProviders(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"jdcloud": write(t, "JDCLOUD_ACCESS_KEY=file-id\nJDCLOUD_SECRET_KEY=hush\n", 0o600),
		"tencent": write(t, "TENCENTCLOUD_SECRET_ID=file-id\nTENCENTCLOUD_SECRET_KEY=hush\n", 0o600),
	}
	kinds := map[string]providers.Address{
		"jdcloud": {Kind: providers.KindEIP, IP: netip.MustParseAddr("203.0.113.10"), ID: "fip-1a2b3c4d5e"},
		"tencent": {Kind: providers.KindEIP, IP: netip.MustParseAddr("203.0.113.10"), ID: "eip-1a2b3c4d"},
	}
	for name, vars := range pairs {
		for _, tc := range []struct {
			name, file, id, from string
		}{
			{"the file", files[name], "file-id", "file " + files[name]},
			{"the environment", "", "an-id", "environment "},
		} {
			t.Run(name+" from "+tc.name, func(t *testing.T) {
				t.Parallel()
				var seen string
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen = r.Header.Get("Authorization")
					w.WriteHeader(http.StatusForbidden)
				}))
				defer srv.Close()
				cloud, err := Open(name, Settings{CredentialsFile: tc.file, Region: "north-1", Endpoint: srv.URL, LookupEnv: env(vars)})
				if err != nil {
					t.Fatal(err)
				}
				_, err = cloud.Kinds[providers.KindEIP].Owner(t.Context(), kinds[name])
				if err == nil || strings.Contains(err.Error(), "hush") {
					t.Errorf("owner: %v", err)
				}
				if !strings.Contains(seen, "="+tc.id+"/") || !strings.HasPrefix(cloud.Credentials, tc.from) {
					t.Errorf("signed as %q with credentials from %q", seen, cloud.Credentials)
				}
			})
		}
	}
}

func TestBadSettingsOfSigningProviders(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		provider string
		s        Settings
		want     string
	}{
		{"jdcloud", Settings{}, "open jdcloud: no key pair; set credentials_file, or JDCLOUD_ACCESS_KEY and JDCLOUD_SECRET_KEY in the environment"},
		{"jdcloud", Settings{Role: "web"}, `open jdcloud: role: "web" is not allowed; write auto, or remove it`},
		{"jdcloud", Settings{Role: "auto", CredentialsFile: "x"}, "open jdcloud: credentials_file and role are both set; keep one"},
		{"tencent", Settings{MetadataEndpoint: NoMetadata},
			"open tencent: no key pair; set credentials_file, or TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY in the environment: a role has none where metadata_endpoint is none"},
		{"tencent", Settings{Role: "web", CredentialsFile: "x"}, "open tencent: credentials_file and role are both set; keep one"},
	} {
		tc.s.LookupEnv = env(nil)
		if _, err := Open(tc.provider, tc.s); err == nil || err.Error() != tc.want {
			t.Errorf("got  %v\nwant %s", err, tc.want)
		}
	}
}

func TestTheRoleIsTheLastResort(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		provider string
		s        Settings
		want     string
	}{
		{"tencent", Settings{LookupEnv: env(nil)}, "the CAM role of this machine"},
		{"tencent", Settings{Role: "web", LookupEnv: env(pairs["tencent"])}, "CAM role web"},
		{"jdcloud", Settings{Role: "auto", LookupEnv: env(pairs["jdcloud"])}, "the role of this machine"},
	} {
		cloud, err := Open(tc.provider, tc.s)
		if err != nil || cloud.Credentials != tc.want {
			t.Errorf("%s: got %q, %v, want %q", tc.provider, cloud.Credentials, err, tc.want)
		}
	}
}

// TestTheInterfaceIsAskedForWhereAKindNeedsIt: the question takes a permission.
func TestTheInterfaceIsAskedForWhereAKindNeedsIt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kinds []string
		want  bool
	}{
		{nil, true},
		{[]string{providers.KindHAVIP, providers.KindEIP, providers.KindRoute}, false},
		{[]string{providers.KindHAVIP, providers.KindPrivateIP}, true},
	} {
		cloud, err := Open("tencent", Settings{Kinds: tc.kinds, LookupEnv: env(pairs["tencent"])})
		if err != nil {
			t.Fatal(err)
		}
		if _, got := cloud.Metadata.(*completed); got != tc.want {
			t.Errorf("%v: completed by the API: %v, want %v", tc.kinds, got, tc.want)
		}
	}
}

// whole is a metadata service that tells everything but the interface.
type whole struct{ interfaces []metadata.Interface }

func (whole) Cloud() string { return "tencent" }

func (w whole) Identity(context.Context) (metadata.Identity, error) {
	return metadata.Identity{Target: providers.Target{Instance: "ins-1", PrivateIP: netip.MustParseAddr("10.0.4.20")}, Interfaces: w.interfaces}, nil
}

func TestAnIdentityIsCompletedByTheAPI(t *testing.T) {
	t.Parallel()
	primary := metadata.Interface{MAC: "52:54:00:00:00:01", Addresses: []netip.Addr{netip.MustParseAddr("10.0.4.20"), netip.MustParseAddr("10.0.4.99")}}
	other := metadata.Interface{MAC: "52:54:00:00:00:02", Addresses: []netip.Addr{netip.MustParseAddr("10.0.5.20")}}
	one := []metadata.Interface{primary, other}
	asks := []string{"ins-1 52:54:00:00:00:01"}
	denied := errors.New("denied")
	for _, tc := range []struct {
		name string
		ifs  []metadata.Interface
		err  error
		want string
		asks []string
	}{
		{"found", one, nil, "eni-1", asks},
		{"listed last", []metadata.Interface{other, primary}, nil, "eni-1", asks},
		{"not found", one, denied, "", asks},
		{"no interface", nil, nil, "", nil},
		{"none with the primary address", []metadata.Interface{other}, nil, "", nil},
	} {
		var asked []string
		c := &completed{whole{tc.ifs}, func(_ context.Context, instance, mac string) (string, error) {
			asked = append(asked, instance+" "+mac)
			return "eni-1", tc.err
		}}
		id, err := c.Identity(t.Context())
		complete := tc.want != ""
		if id.Target.Instance != "ins-1" || id.Target.Interface != tc.want || complete != (err == nil) || !complete && !errors.Is(err, metadata.ErrIncomplete) {
			t.Errorf("%s: got %+v, %v", tc.name, id.Target, err)
		}
		if tc.err != nil && !errors.Is(err, tc.err) {
			t.Errorf("%s: the cause is lost: %v", tc.name, err)
		}
		if !slices.Equal(asked, tc.asks) {
			t.Errorf("%s: asked for %q", tc.name, asked)
		}
	}
}
