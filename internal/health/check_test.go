// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultsFillOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		in, want Check
	}{
		{"everything missing", Check{},
			Check{Interval: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3}},
		{"a short interval shortens the timeout", Check{Interval: 250 * time.Millisecond},
			Check{Interval: 250 * time.Millisecond, Timeout: 250 * time.Millisecond, Rise: 2, Fall: 3}},
		{"nothing missing", Check{Interval: 5 * time.Second, Timeout: 4 * time.Second, Rise: 1, Fall: 9, Weight: -7},
			Check{Interval: 5 * time.Second, Timeout: 4 * time.Second, Rise: 1, Fall: 9, Weight: -7}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.in.WithDefaults()); diff != "" {
				t.Errorf("check (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProblemsOfACheck(t *testing.T) {
	t.Parallel()
	good := Check{Name: "web", Probe: TCP{"127.0.0.1:80"}}.WithDefaults()
	with := func(change func(*Check)) Check {
		c := good
		change(&c)
		return c
	}
	tests := []struct {
		name string
		in   Check
		want []string
	}{
		{"none", good, nil},
		{"limits belong to the range", with(func(c *Check) {
			c.Interval, c.Timeout, c.Rise, c.Fall, c.Weight = IntervalMin, TimeoutMin, CountMax, 1, -253
		}), nil},
		{"everything at once", Check{Interval: time.Millisecond, Rise: -1, Fall: 101, Weight: 254}, []string{
			"name: is empty; give the check a name that is unique in its group",
			"interval: 1ms is outside 100ms to 1h0m0s; use 2s",
			"timeout: 0s is below the minimum of 10ms; use 1ms",
			"rise: -1 is outside 1 to 100; use 2",
			"fall: 101 is outside 1 to 100; use 3",
			"weight: 254 is outside -253 to 253; use 0 to make the check a fault",
			": asks nothing; give one of http, tcp, exec, process",
		}},
		{"a weight below the range", with(func(c *Check) { c.Weight = -254 }), []string{
			"weight: -254 is outside -253 to 253; use 0 to make the check a fault",
		}},
		{"a timeout longer than the interval", with(func(c *Check) { c.Timeout = 3 * time.Second }), []string{
			"timeout: 3s is longer than the interval of 2s (a check runs once at a time); shorten timeout or lengthen interval",
		}},
		{"those of the probe", with(func(c *Check) { c.Probe = TCP{"127.0.0.1"} }), []string{
			`tcp: "127.0.0.1" is no host:port; write 127.0.0.1:80 or [::1]:80`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, texts(tt.in.Problems())); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProblemsOfAProbe(t *testing.T) {
	t.Parallel()
	const unknown = `"{vip}" is no placeholder; use {node}, {address} or {anchor}, or put a space inside the braces to mean them literally`
	tests := []struct {
		name string
		in   Probe
		want []string
	}{
		{"a URL with placeholders", HTTP{URL: "http://{anchor}:80/{node}"}, nil},
		{"a URL with an unknown placeholder", HTTP{URL: "http://{vip}/"}, []string{"http: " + unknown}},
		{"a URL without a scheme", HTTP{URL: "127.0.0.1/x"},
			[]string{`http: "127.0.0.1/x" is no http or https URL with a host; write http://host:port/path`}},
		{"a URL that is none keeps its password", HTTP{URL: "http://u:secret@h:port/"},
			[]string{"http: is no URL; write http://host:port/path"}},
		{"statuses and redirects out of range", HTTP{URL: "http://h/", StatusMin: 300, StatusMax: 200, Redirects: 11}, []string{
			"status: 300-200 is no range within 100-599; use 200-399",
			"redirects: 11 is outside 0 to 10; use 0 to take a redirect as the answer",
		}},
		{"a minimum above the default maximum is a range of one", HTTP{URL: "http://h/", StatusMin: 401}, nil},
		{"a TCP address with a placeholder", TCP{"{anchor}:80"}, nil},
		{"a TCP address without a host", TCP{":80"}, []string{`tcp: ":80" is no host:port; write 127.0.0.1:80 or [::1]:80`}},
		{"a TCP address with port 0", TCP{"h:0"}, []string{`tcp: "h:0" has no port from 1 to 65535; write 127.0.0.1:80 or [::1]:80`}},
		{"a TCP address with an unknown placeholder", TCP{"{vip}:80"}, []string{"tcp: " + unknown}},
		{"no program", Exec{}, []string{"exec: names no program; write [/path/to/program, argument ...]"}},
		{"a relative program and bad arguments", Exec{Argv: []string{"./check", "{vip}", "a\x00b"}}, []string{
			`exec: "./check" is relative to a directory that nobody chose; write the whole path, or the name alone to find it in PATH`,
			"exec: " + unknown,
			"exec: argument 2 has a NUL byte; remove it",
		}},
		{"a program found in PATH", Exec{Argv: []string{"true"}}, nil},
		{"no process name", Process{}, []string{"process: is empty; give the name of a program, such as nginx"}},
		{"a process path", Process{Name: "/usr/sbin/nginx"},
			[]string{`process: "/usr/sbin/nginx" is a path, and processes are found by name; use "nginx"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, texts(tt.in.Problems())); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProbesNameThemselvesWithoutSecrets(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   Probe
		want string
	}{
		{HTTP{URL: "http://{anchor}/healthz"}, "http http://{anchor}/healthz"},
		{HTTP{URL: "http://h/{node}"}, "http http://h/{node}"},
		{HTTP{URL: "http://u:secret@h/"}, "http http://u:xxxxx@h/"},
		{HTTP{URL: "http://u:secret@{anchor}/"}, "http (a URL with credentials)"},
		{TCP{"{anchor}:80"}, "tcp {anchor}:80"},
		{Exec{Argv: []string{"/bin/check", "--password=secret"}}, "exec /bin/check"},
		{Exec{}, "exec"},
		{Process{Name: "nginx"}, "process nginx"},
	}
	for _, tt := range tests {
		if got := tt.in.String(); got != tt.want {
			t.Errorf("String() = %q, want %q", got, tt.want)
		}
	}
}

func TestResultTextsFitALogLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string
	}{
		{"lines become one", "a\r\n\tb\x00 \x1b[31mc", "a b [31mc"},
		{"broken UTF-8 is marked", "a\xffb", "a\ufffdb"},
		{"long texts are cut between characters", strings.Repeat("é", 200), strings.Repeat("é", 148) + "…"},
		{"texts of the full length stay", strings.Repeat("x", textMax), strings.Repeat("x", textMax)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, oneLine(tt.in)); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func texts(ps []Problem) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.String())
	}
	return out
}
