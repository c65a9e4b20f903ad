// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/election"
)

// The examples of docs/wire.md are the test vectors: what stands there is what
// is sent, and what is sent stands there.
func TestTheExamplesOfTheDocumentAreTheBytesOnTheWire(t *testing.T) {
	t.Parallel()
	document := vectors(t, "../../../docs/wire.md")
	b := examples(t)
	want := map[string][]byte{
		"minimal-advert": encode(t, minimalAdvert()),
		"full-advert":    b[KindAdvert],
		"second-part":    secondPart(t),
		"probe-request":  b[KindProbeRequest],
		"probe-reply":    b[KindProbeReply],
	}
	for name, datagram := range want {
		if got := hex.EncodeToString(document[name]); got != hex.EncodeToString(datagram) {
			t.Errorf("%s in the document (-) and on the wire (+):\n%s", name,
				cmp.Diff(hex.Dump(document[name]), hex.Dump(datagram)))
		}
		expect(t, receiver(t), document[name], election.ReasonNone)
	}
	if len(document) != len(want) {
		t.Errorf("the document has %d vectors, %d are checked", len(document), len(want))
	}
}

// secondPart is the second of two parts of the full advert, as where only one of its
// groups fits in each.
func secondPart(t *testing.T) []byte {
	k := ring(t, 0)
	b, next, err := AppendPart(nil, fullAdvert(), 1, &k)
	if err != nil || next != 2 {
		t.Fatalf("next %d: %v", next, err)
	}
	return b
}

// vectors reads the blocks that begin with ```vector and a name. Each line is
// hexadecimal bytes and, after a bar, what they are.
func vectors(t *testing.T, path string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	name := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if n, ok := strings.CutPrefix(line, "```"); ok {
			name, _ = strings.CutPrefix(n, "vector ")
			continue
		}
		if name == "" {
			continue
		}
		digits, _, _ := strings.Cut(line, "|")
		b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			t.Fatalf("%s, vector %s: %v in %q", path, name, err, line)
		}
		found[name] = append(found[name], b...)
	}
	return found
}
