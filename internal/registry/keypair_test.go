// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"errors"
	"strings"
	"testing"
)

var testNames = pairNames{id: "CLOUD_ID", key: "CLOUD_KEY", token: "CLOUD_TOKEN"}

func TestKeyPairsAreTakenInOrder(t *testing.T) {
	t.Parallel()
	file := write(t, "# of the lab\n\nCLOUD_ID = file-id\nCLOUD_KEY=\"file=key\"\n", 0o600)
	vars := map[string]string{"CLOUD_ID": "env-id", "CLOUD_KEY": " env-key\n", "CLOUD_TOKEN": "env-token"}
	for _, tc := range []struct {
		name, file           string
		vars                 map[string]string
		id, key, token, from string
	}{
		{"the file before the environment", file, vars, "file-id", "file=key", "", "file " + file},
		{"then the environment", "", vars, "env-id", "env-key", "env-token", "environment CLOUD_ID"},
	} {
		read, from, err := findKeyPair(Settings{CredentialsFile: tc.file, LookupEnv: env(tc.vars)}, testNames)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		pair, err := read()
		got := [4]string{pair.id, pair.key.Reveal(), pair.token.Reveal(), from}
		if want := [4]string{tc.id, tc.key, tc.token, tc.from}; got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", tc.name, got, err, want)
		}
	}
	if _, _, err := findKeyPair(Settings{LookupEnv: env(map[string]string{"CLOUD_TOKEN": "x"})}, testNames); !errors.Is(err, errNoKeyPair) {
		t.Errorf("nothing is set: %v", err)
	}
}

func TestBadKeyPairsAreExplained(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"an unknown name", "CLOUD_ID=a\nSECRET=hush\n", "line 2 begins with none of CLOUD_ID=, CLOUD_KEY=, CLOUD_TOKEN="},
		{"no assignment", "hush\n", "line 1 begins with none of CLOUD_ID=, CLOUD_KEY=, CLOUD_TOKEN="},
		{"a name twice", "CLOUD_ID=a\nCLOUD_ID=hush\n", "line 2 gives CLOUD_ID again; keep one"},
		{"half a pair", "CLOUD_ID=a\n", "CLOUD_KEY: the value is empty"},
		{"the other half", "CLOUD_KEY=hush\n", "CLOUD_ID: the value is empty"},
		{"two words", "CLOUD_ID=a\nCLOUD_KEY=hush hush\n", "CLOUD_KEY: the value contains a space, a line break or a special character; it must be one word"},
	} {
		path := write(t, tc.text, 0o600)
		_, _, err := findKeyPair(Settings{CredentialsFile: path, LookupEnv: env(nil)}, testNames)
		if want := "read credentials file " + path + ": " + tc.want; err == nil || err.Error() != want {
			t.Errorf("%s: got %v\nwant %s", tc.name, err, want)
		}
	}
	path := write(t, "CLOUD_ID=a\nCLOUD_KEY=hush\n", 0o644)
	if _, _, err := findKeyPair(Settings{CredentialsFile: path, LookupEnv: env(nil)}, testNames); err == nil || !strings.Contains(err.Error(), "is open to others") {
		t.Errorf("a file that others may read: %v", err)
	}
	_, _, err := findKeyPair(Settings{LookupEnv: env(map[string]string{"CLOUD_KEY": "hush"})}, testNames)
	if want := "environment: CLOUD_ID: the value is empty"; err == nil || err.Error() != want {
		t.Errorf("half a pair in the environment: got %v\nwant %s", err, want)
	}
}
