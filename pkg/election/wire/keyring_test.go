// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAKeyFileMayHaveCommentsAndBlankLines(t *testing.T) {
	t.Parallel()
	file := "# the cluster web\n\n" + keyLine(100) + "   # since Monday\r\n\t\n" + keyLine(0)
	k, err := ParseKeyring([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	want := append(ring(t, 100).IDs(), ring(t, 0).IDs()...)
	if d := diff(want, k.IDs()); d != "" {
		t.Errorf("ids, wanted (-) and got (+):\n%s", d)
	}
}

func TestABadKeyFileNamesEveryBadLineAndNoKey(t *testing.T) {
	t.Parallel()
	good := keyLine(0)
	cases := []struct{ name, file, want string }{
		{"empty", "", "parse key file: no key in it; write one with `fipctl keygen`"},
		{"only comments", "# nothing\n", "parse key file: no key in it; write one with `fipctl keygen`"},
		{"not base64", good + "\nnot!base64\n", "parse key file: line 2: not base64; a key is one line written by `fipctl keygen`"},
		{"two words in a line", good + " " + keyLine(1), "parse key file: line 1: not base64; a key is one line written by `fipctl keygen`"},
		{"cut short", "AAEC\n", "parse key file: line 1: a key of 3 bytes, must be 32; write one with `fipctl keygen`"},
		{"a key twice", good + "\n#\n" + good, "parse key file: line 3: the same key as in line 1; remove one of them"},
		{"stray bits in the last character", strings.Replace(good, "8=", "9=", 1), "parse key file: line 1: not base64; a key is one line written by `fipctl keygen`"},
		{"two bad lines", "x\n" + good + "\nAAEC", "parse key file: line 1: not base64; a key is one line written by `fipctl keygen`\n" +
			"line 3: a key of 3 bytes, must be 32; write one with `fipctl keygen`"},
		{"too many keys", manyKeys(9), "parse key file: 9 keys, at most 8 are allowed; remove the old ones"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k, err := ParseKeyring([]byte(c.file))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if len(k.IDs()) != 0 {
				t.Error("a keyring came with the error")
			}
		})
	}
}

func manyKeys(n byte) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(keyLine(i) + "\n")
	}
	return b.String()
}

func TestANewKeyIsALineOfAKeyFile(t *testing.T) {
	t.Parallel()
	line, err := NewKey(bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseKeyring([]byte(line)); err != nil {
		t.Error(err)
	}
	if _, err := NewKey(iotest.ErrReader(errors.New("no entropy"))); err == nil || err.Error() != "draw key: no entropy" {
		t.Errorf("got %v", err)
	}
}

func TestEveryFormOfAKeyringIsTheSamePlaceholder(t *testing.T) {
	t.Parallel()
	k := ring(t, 0)
	text, errText := k.MarshalText()
	quoted, errJSON := k.MarshalJSON()
	got := []string{k.String(), k.GoString(), k.LogValue().String(), string(text), string(quoted)}
	want := []string{"[redacted]", "[redacted]", "[redacted]", "[redacted]", `"[redacted]"`}
	if d := diff(want, got); d != "" || errText != nil || errJSON != nil {
		t.Errorf("errors %v, %v; wanted (-) and got (+):\n%s", errText, errJSON, d)
	}
}

func TestAKeyringNeverShowsAKey(t *testing.T) {
	t.Parallel()
	k := ring(t, 0)
	holder := struct {
		Ring Keyring
		ring *Keyring
		in   Keyring
	}{k, &k, k}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", k, &k, holder)
	}
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("text", "ring", k, "holder", holder)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "ring", &k, "holder", holder)
	if err := json.NewEncoder(&out).Encode(map[string]any{"ring": k, "holder": holder}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, secret := range []string{keyLine(0), keyLine(0)[:12], "0 1 2 3 4 5", "000102030405", "0x0, 0x1, 0x2", `\x00\x01\x02`} {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows in:\n%s", secret, text)
		}
	}
	if !strings.Contains(text, redacted) {
		t.Error("nothing was redacted; the test looks at the wrong output")
	}
}
