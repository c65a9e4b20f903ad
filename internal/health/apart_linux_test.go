// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// asDaemon in the environment makes this program one that asks a check as a daemon would,
// as the user that it names or as its own ("-"), and prints what came of it.
const asDaemon = "FIPCTL_TEST_AS_DAEMON"

func TestMain(m *testing.M) {
	as := os.Getenv(asDaemon)
	if as == "" {
		os.Exit(m.Run())
	}
	const script = `grep -hE '^(Uid|Groups|Cap(Prm|Eff|Amb))' /proc/self/status | tr -s '\t ' ' '
echo "nice $(nice) oom $(cat /proc/self/oom_score_adj) home $HOME"`
	q := Exec{Argv: []string{"sh", "-c", script}, User: strings.Trim(as, "-")}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	text, err := q.Ask(ctx, Values{})
	fmt.Println(text, err)
}

// favoured runs this program as a daemon that is favoured, with capabilities, and returns
// what its check saw, a line each.
func favoured(t *testing.T, as string, caps ...uintptr) []string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can grant what is to be taken away")
	}
	var out bytes.Buffer
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{asDaemon + "=" + as, "PATH=" + os.Getenv("PATH"), "HOME=/srv"}
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &out, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}, AmbientCaps: caps}
	err := onOwnThread(func() error {
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, -5); err != nil {
			return err
		}
		return cmd.Start()
	})
	if errors.Is(err, unix.EPERM) {
		t.Skip("this root may not grant capabilities or niceness")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, out.Bytes())
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

// Not parallel, as the next: it may lower this process's OOM score.
func TestACheckInheritsNothingThatFavoursTheDaemon(t *testing.T) {
	if os.WriteFile("/proc/self/oom_score_adj", []byte("-500"), 0) == nil { // or it stays as it is
		defer os.WriteFile("/proc/self/oom_score_adj", []byte("0"), 0)
	}
	got := favoured(t, "-", unix.CAP_NET_ADMIN, unix.CAP_NET_RAW)
	want := []string{
		"run sh: exit status 0: Uid: 12345 12345 12345 12345", "Groups: ",
		"CapPrm: 0000000000000000", "CapEff: 0000000000000000", "CapAmb: 0000000000000000", "nice 0 oom 0 home /srv <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a check saw (-want +got):\n%s", diff)
	}
}

func TestACheckRunsAsItsUserWhereThatIsAllowed(t *testing.T) {
	if _, home, err := credentialOf("1"); err != nil || home != "/usr/sbin" {
		t.Skip("the system has no user 1 with the usual home")
	}
	got := favoured(t, "1", unix.CAP_SETUID, unix.CAP_SETGID)
	want := []string{
		"run sh: exit status 0: Uid: 1 1 1 1", "Groups: 1 ",
		"CapPrm: 0000000000000000", "CapEff: 0000000000000000", "CapAmb: 0000000000000000", "nice 0 oom 0 home /usr/sbin <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a check saw (-want +got):\n%s", diff)
	}
	got = favoured(t, "1", unix.CAP_NET_ADMIN)
	want = []string{"run sh: operation not permitted; this says nothing of the service: to become user 1 " + userRemedy}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("without the capabilities (-want +got):\n%s", diff)
	}
}

// TestACheckOfADaemonThatIsNotRootDoesNotRunAsRoot: it would have what the daemon has.
func TestACheckOfADaemonThatIsNotRootDoesNotRunAsRoot(t *testing.T) {
	for _, as := range []string{"root", "0"} {
		got := favoured(t, as, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_NET_ADMIN)
		want := []string{"run sh: user root would have the daemon's capabilities; this says nothing of the service: " +
			"give it a user of its own, or run the daemon as root"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("as %s (-want +got):\n%s", as, diff)
		}
	}
}
