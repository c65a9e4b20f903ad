// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package wire

import (
	"testing"

	"github.com/fipctl/fipctl/pkg/election"
)

// What cannot be news is refused before anything is computed: here with a signature that
// does not fit, in which a check of it would have ended first.
func TestWhatIsOldIsRefusedBeforeItsSignatureIsChecked(t *testing.T) {
	t.Parallel()
	for kind, sequence := range map[Kind]uint64{KindAdvert: fullAdvert().Sequence, KindProbeRequest: exampleRequest().Sequence} {
		var asked []uint64
		r := receiver(t)
		r.Old = func(k Kind, from string, session, sequence uint64) election.Reason {
			if k != kind || from != "lb-a" || session != 0x1122334455667788 {
				t.Errorf("asked about a %v of %q, session %x", k, from, session)
			}
			if asked = append(asked, sequence); len(asked) == 1 {
				return election.ReasonReplayed
			}
			return election.ReasonNone
		}
		b := examples(t)[kind]
		b[len(b)-1] ^= 1
		expect(t, r, b, election.ReasonReplayed)
		expect(t, r, b, election.ReasonBadSignature)
		if asked[0] != sequence || asked[1] != sequence {
			t.Errorf("%v: asked about the sequences %v instead of %d", kind, asked, sequence)
		}
	}
}
