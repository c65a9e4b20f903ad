// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/providers"
)

// refusedWorld is a pair whose standby had its write refused and left the group to the owner,
// which is back.
func refusedWorld(w *world) (a, b *node) {
	w.Helper()
	a, b = w.settled()
	b.cloud.replaceCredentials("one")
	w.pass(time.Minute)
	b.cloud.set("assign", denied("assign"))
	a.crash()
	w.eventually("the write is refused", func() bool { return b.text(condWriteDenied) != "" })
	a = w.start(nodeA, nil)
	w.eventually("the owner leads again", a.bound)
	w.pass(5 * time.Minute)
	return a, b
}

// TestARefusedWriteStaysKnown: the same credentials would be refused again, and the owner
// knows that nobody stands by, and why.
func TestARefusedWriteStaysKnown(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := refusedWorld(w)
		want := "the cloud refuses the writes of this node, which leads only while no other node could: assign 203.0.113.10: denied (401, request 4f2c): unable to authenticate you; allow that call or replace the credentials, then \"systemctl reload fipctl\" here; a credentials file that changes is seen without"
		if got := b.text(condWriteDenied); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if codes := b.codes(); slices.Contains(codes, condClaimFailed) {
			t.Errorf("it is said twice: %v", codes)
		}
		want = "no other node could take over: lb-b (write-denied; its condition of that name has the call and the permission); the next failure is an outage"
		if got := a.text(condNoStandby); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TestANodeWhoseWritesAreRefusedTriesWhereNobodyElseCould, and it works again if somebody
// mended its policy meanwhile, of which nothing tells here.
func TestANodeWhoseWritesAreRefusedTriesWhereNobodyElseCould(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := refusedWorld(w)
		b.cloud.set("assign", nil)
		a.crash()
		w.eventually("the standby owns it", b.bound)
		if text := b.text(condWriteDenied); text != "" {
			t.Errorf("it still says %s", text)
		}
	})
}

func TestWhatEndsARefusal(t *testing.T) {
	for name, end := range map[string]func(b *node){
		"new credentials": func(b *node) { b.cloud.replaceCredentials("two") },
		"a reload":        func(b *node) { b.signals <- syscall.SIGHUP },
		"an assign":       func(b *node) { b.assign(status.AssignRequest{}) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, b := refusedWorld(w)
				b.cloud.set("assign", nil)
				end(b)
				w.eventually("somebody stands by", func() bool {
					return b.text(condWriteDenied) == "" && a.text(condNoStandby) == "" && b.text(condNoStandby) == ""
				})
			})
		})
	}
}

// without is the error of a call for which the credentials could not be read.
func without(op string) error {
	return providers.WithoutCredentials("digitalocean", op+" 203.0.113.10", errors.New("read token file: open /etc/fipctl/token: permission denied"))
}

// TestCredentialsThatCannotBeReadAreNoRefusal: the cloud was not asked. While they cannot be
// read their node does not claim and says which file it is; afterwards all is as before.
func TestCredentialsThatCannotBeReadAreNoRefusal(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.replaceCredentials("one")
		w.pass(time.Minute)
		b.cloud.set("assign", without("assign"))
		a.crash()
		w.eventually("the write fails", func() bool { return b.text(condClaimFailed) != "" })
		want := "the last write to the cloud failed: assign 203.0.113.10: no credentials: read token file: open /etc/fipctl/token: permission denied"
		if got := b.text(condClaimFailed); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		b.cloud.set("owner", without("read owner of"))
		b.cloud.replaceCredentials(registry.Unreadable)
		a = w.start(nodeA, nil)
		w.eventually("the owner leads again", a.bound)
		w.eventually("nobody stands by", func() bool { return strings.Contains(a.text(condNoStandby), "lb-b (cannot-claim)") })
		if text := b.text(condOwnerUnreadable); !strings.Contains(text, "no credentials: read token file: open /etc/fipctl/token") {
			t.Errorf("it says %s", text)
		}
		b.cloud.set("owner", nil)
		b.cloud.set("assign", nil)
		b.cloud.replaceCredentials("one")
		w.eventually("somebody stands by", func() bool { return a.text(condNoStandby) == "" })
		if text := b.text(condWriteDenied); text != "" {
			t.Errorf("a refusal is known: %s", text)
		}
	})
}

// TestAFileThatCanBeReadAgainEndsARefusal, with what it held before; that it could not be
// read ended nothing.
func TestAFileThatCanBeReadAgainEndsARefusal(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, b := refusedWorld(w)
		b.cloud.set("assign", nil)
		b.cloud.replaceCredentials(registry.Unreadable)
		w.pass(5 * time.Minute)
		if b.text(condWriteDenied) == "" {
			t.Error("it is forgotten without credentials")
		}
		b.cloud.replaceCredentials("one")
		w.eventually("it is forgotten", func() bool { return b.text(condWriteDenied) == "" })
	})
}
