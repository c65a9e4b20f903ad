// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/trust"
	"github.com/fipctl/fipctl/pkg/providers"
)

func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

// write puts a token file with this mode into a directory of the test's own.
func write(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "do.token")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEveryNameIsDescribedCompletely(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"digitalocean", "jdcloud", "tencent"}, Names()); diff != "" {
		t.Error(diff)
	}
	for _, name := range Names() {
		d, ok := Describe(name)
		if !ok || d.Name != name || len(d.Kinds) == 0 || len(d.Options) == 0 {
			t.Errorf("%s: %+v", name, d)
		}
		for _, k := range d.Kinds {
			if got, ok := d.Kind(k.Name); !ok || got != k || k.Capabilities.MoveTimeout <= 0 {
				t.Errorf("%s: %+v", name, k)
			}
		}
		if _, ok := d.Kind("no-such-kind"); ok {
			t.Errorf("%s has a kind that does not exist", name)
		}
	}
	if _, ok := Describe("no-such-cloud"); ok {
		t.Error("an unknown cloud is described")
	}
}

func TestADescriptionSaysWhatTheDriverSays(t *testing.T) {
	t.Parallel()
	cloud, err := Open("digitalocean", Settings{LookupEnv: env(map[string]string{"DO_TOKEN": "dop_v1_x"})})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := Describe("digitalocean")
	if diff := cmp.Diff(cloud.Kinds["reserved-ip"].Capabilities(), d.Kinds[0].Capabilities); diff != "" {
		t.Error(diff)
	}
	if cloud.Metadata.Cloud() != "digitalocean" {
		t.Errorf("metadata of %s", cloud.Metadata.Cloud())
	}
}

func TestCredentialsAreTakenInOrder(t *testing.T) {
	t.Parallel()
	all := map[string]string{"DIGITALOCEAN_ACCESS_TOKEN": "first", "DIGITALOCEAN_TOKEN": "second", "DO_TOKEN": "third"}
	without := func(names ...string) map[string]string {
		vars := map[string]string{}
		for k, v := range all {
			vars[k] = v
		}
		for _, n := range names {
			vars[n] = " "
		}
		return vars
	}
	file := write(t, "  from-file\n", 0o600)
	for _, tc := range []struct {
		name        string
		file        string
		vars        map[string]string
		value, from string
	}{
		{"the file before everything", file, all, "from-file", "file " + file},
		{"then the vendor's variable", "", all, "first", "environment DIGITALOCEAN_ACCESS_TOKEN"},
		{"a blank variable is none", "", without("DIGITALOCEAN_ACCESS_TOKEN"), "second", "environment DIGITALOCEAN_TOKEN"},
		{"the short one last", "", without("DIGITALOCEAN_ACCESS_TOKEN", "DIGITALOCEAN_TOKEN"), "third", "environment DO_TOKEN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			read, from, err := bearerToken(Settings{TokenFile: tc.file, LookupEnv: env(tc.vars)}, digitalOceanTokens)
			if err != nil {
				t.Fatal(err)
			}
			got, err := read()
			if err != nil || got.Reveal() != tc.value || from != tc.from {
				t.Errorf("got %q from %q, %v; want %q from %q", got.Reveal(), from, err, tc.value, tc.from)
			}
		})
	}
}

func TestATokenFileIsRefusedWithOneClearLine(t *testing.T) {
	t.Parallel()
	group, world, secret := write(t, "hunter2", 0o606), write(t, "hunter2", 0o604), write(t, "hunter2 hunter3", 0o600)
	named, exported, quoted := write(t, "DO_TOKEN=dop_v1_abc\n", 0o600), write(t, "export DO_TOKEN = x\n", 0o600), write(t, "\"dop_v1_abc\"\n", 0o600)
	empty, long := write(t, " \n\t", 0o600), write(t, strings.Repeat("x", tokenMax+1), 0o600)
	missing := filepath.Join(t.TempDir(), "missing")
	dir := filepath.Dir(missing)
	open := func(path, mode string) string {
		return path + " is open to others (owner " + trust.Name(uint32(os.Geteuid())) + ", mode " + mode + "), allowed is its owner alone; run: chmod 600 " + path
	}
	for path, want := range map[string]string{
		group:    "open digitalocean: read token file: " + open(group, "0606"),
		world:    "open digitalocean: read token file: " + open(world, "0604"),
		secret:   "open digitalocean: read token file " + secret + ": the token contains a space, a line break or a special character; it must be one word",
		named:    "open digitalocean: read token file " + named + ": the token begins with a name and =; put the token alone there, without NAME=",
		exported: "open digitalocean: read token file " + exported + ": the token begins with a name and =; put the token alone there, without NAME=",
		quoted:   "open digitalocean: read token file " + quoted + ": the token stands in quotes; put the token alone there, without them",
		empty:    "open digitalocean: read token file " + empty + ": the token is empty",
		long:     "open digitalocean: read token file " + long + ": the token is longer than 4096 bytes",
		missing:  "open digitalocean: read token file: lstat " + missing + ": no such file or directory",
		dir:      "open digitalocean: read token file: " + dir + " is no regular file, but a folder; write the text itself into a file there",
	} {
		_, err := Open("digitalocean", Settings{TokenFile: path, LookupEnv: env(map[string]string{"DO_TOKEN": "valid"})})
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestOtherMistakesAreOneClearLine(t *testing.T) {
	t.Parallel()
	none := env(nil)
	for _, tc := range []struct {
		name     string
		provider string
		s        Settings
		want     string
	}{
		{"an unknown provider", "digitalozean", Settings{LookupEnv: none}, `provider "digitalozean" is unknown; known are digitalocean, jdcloud, tencent`},
		{"no token", "digitalocean", Settings{LookupEnv: none},
			"open digitalocean: no API token; set token_file, or one of DIGITALOCEAN_ACCESS_TOKEN, DIGITALOCEAN_TOKEN, DO_TOKEN in the environment"},
		{"a bad variable", "digitalocean", Settings{LookupEnv: env(map[string]string{"DO_TOKEN": "a\nb"})},
			"open digitalocean: environment DO_TOKEN: the token contains a space, a line break or a special character; it must be one word"},
		{"a variable with its name", "digitalocean", Settings{LookupEnv: env(map[string]string{"DO_TOKEN": "DO_TOKEN=a"})},
			"open digitalocean: environment DO_TOKEN: the token begins with a name and =; put the token alone there, without NAME="},
		{"a bad endpoint", "digitalocean", Settings{Endpoint: "api", LookupEnv: env(map[string]string{"DO_TOKEN": "x"})},
			`open digitalocean: endpoint: "api" is not a URL such as https://api.digitalocean.com/`},
		{"a bad metadata endpoint", "digitalocean", Settings{MetadataEndpoint: "md", LookupEnv: env(map[string]string{"DO_TOKEN": "x"})},
			"open digitalocean: metadata_endpoint: not a URL of scheme, host and path only; give one such as http://169.254.169.254/"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cloud, err := Open(tc.provider, tc.s)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			if cloud.Kinds != nil || cloud.Metadata != nil {
				t.Errorf("got %+v with the error", cloud)
			}
		})
	}
	if _, err := OpenMetadata("digitalocean", Settings{LookupEnv: none}); err != nil {
		t.Errorf("metadata needs no token: %v", err)
	}
	if _, err := OpenMetadata("nowhere", Settings{}); err == nil {
		t.Error("metadata of an unknown provider")
	}
}

// TestARotatedTokenIsUsed also sees that a file which became readable to others
// stops being used, without a restart.
func TestARotatedTokenIsUsed(t *testing.T) {
	t.Parallel()
	var seen []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization")+" "+strings.Fields(r.UserAgent())[0])
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer srv.Close()
	path := write(t, "old-token\n", 0o600)
	cloud, err := Open("digitalocean", Settings{TokenFile: path, Endpoint: srv.URL, UserAgent: "fipctl/test", LookupEnv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() error {
		_, err := cloud.Kinds["reserved-ip"].Owner(t.Context(), providers.Address{Kind: "reserved-ip", IP: netip.MustParseAddr("203.0.113.10")})
		return err
	}
	first := ask()
	if err := os.WriteFile(path, []byte("new-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := ask()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	third := ask()
	if diff := cmp.Diff([]string{"Bearer old-token fipctl/test", "Bearer new-token fipctl/test"}, seen); diff != "" {
		t.Error(diff)
	}
	for _, err := range []error{first, second, third} {
		if providers.KindOf(err) != providers.Denied || strings.Contains(err.Error(), "-token") {
			t.Errorf("got %v, want denied without the token", err)
		}
	}
	if !strings.Contains(third.Error(), "is open to others") {
		t.Errorf("got %v", third)
	}
}

func TestATokenPipeDoesNotHangTheStart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	if _, err := readTokenFile(Settings{TokenFile: path}); err == nil || !strings.Contains(err.Error(), "is no regular file, but a pipe") {
		t.Errorf("got %v", err)
	}
}

// TestATokenMayEndInEqualSigns, as what is written in base64 does: that is no name.
func TestATokenMayEndInEqualSigns(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"c2VjcmV0=", "c2VjcmV0==", "v1.abc=def"} {
		if got, err := parseBare(token); err != nil || got.Reveal() != token {
			t.Errorf("%s: %v", token, err)
		}
	}
}

// TestTheFingerprintFollowsTheFileOfTheCredentials, and nothing else.
func TestTheFingerprintFollowsTheFileOfTheCredentials(t *testing.T) {
	t.Parallel()
	path := write(t, "one\n", 0o600)
	filed, err := Open("digitalocean", Settings{TokenFile: path, LookupEnv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	first := filed.Fingerprint()
	if first == "" || filed.Fingerprint() != first {
		t.Error("it is empty, or changes by itself")
	}
	if err := os.WriteFile(path, []byte("two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if second := filed.Fingerprint(); second == first || second == "" {
		t.Error("it does not follow the file")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := filed.Fingerprint(); got != Unreadable {
		t.Errorf("without the file: %q", got)
	}
	lent, err := Open("digitalocean", Settings{LookupEnv: env(map[string]string{"DO_TOKEN": "x"})})
	if err != nil || lent.Fingerprint() != "" {
		t.Errorf("from the environment: %v, or a fingerprint", err)
	}
}
