// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package archtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// binaryBytesMax keeps the download small. Twenty-five megabytes more is what it
// costs when the linker can no longer see which methods of an SDK are used.
const binaryBytesMax = 20 << 20

// folder holds the built program, if a test needed it.
var folder string

// program builds the program once, as a release is built: static and stripped.
var program = sync.OnceValues(func() (name string, err error) {
	if folder, err = os.MkdirTemp("", "fipctl-archtest-"); err != nil {
		return "", err
	}
	name = filepath.Join(folder, "fipctl")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", name, "./cmd/fipctl")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return name, fmt.Errorf("build ./cmd/fipctl: %w\n%s", err, out)
	}
	return name, nil
})

// TestMain removes the program that a test may have built.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := os.RemoveAll(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func built(t *testing.T) string {
	t.Helper()
	name, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTheStrippedStaticProgramStaysSmall(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(built(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MiB", float64(info.Size())/(1<<20))
	if info.Size() >= binaryBytesMax {
		t.Errorf("the program has %d bytes, want less than %d: look for an SDK client in an interface together with "+
			"text/template or reflection over method names", info.Size(), binaryBytesMax)
	}
}

// invocation is a command line in a document.
type invocation struct{ place, line string }

var (
	shellBlock = regexp.MustCompile("(?ms)^[ ]*```sh\n(.*?)^[ ]*```$")
	inlineCode = regexp.MustCompile("`((?:sudo )?fipctl [a-z-][^`]*)`")
	command    = regexp.MustCompile(`^\s*(?:\$ )?(?:sudo )?(?:go run \./cmd/fipctl|fipctl)( .*)?$`)
)

// invocations finds the command lines of the program in every document.
func invocations(tr *tree) (found []invocation) {
	for _, name := range slices.Concat(tr.named("*.md"), tr.named("*.service")) {
		text := tr.files[name]
		var lines []string
		for _, block := range firstGroups(shellBlock, text) {
			lines = append(lines, strings.Split(block, "\n")...)
		}
		lines = slices.Concat(lines, firstGroups(inlineCode, text), firstGroups(regexp.MustCompile(`(?m)^Exec(?:Start|Reload)=/usr/local/bin/(.*)$`), text))
		for _, line := range lines {
			if command.MatchString(line) {
				found = append(found, invocation{name, strings.TrimSpace(line)})
			}
		}
	}
	return found
}

func TestCommandsInDocumentsExist(t *testing.T) {
	t.Parallel()
	found := invocations(checkout(t))
	if len(found) < 10 {
		t.Fatalf("found %d command lines in the documents, expected many: %v", len(found), found)
	}
	help := helpReader(built(t))
	for _, i := range found {
		if err := checkInvocation(i.line, help); err != nil {
			t.Errorf("%s: %q: %v", i.place, i.line, err)
		}
	}
}

func TestACommandOrFlagThatDoesNotExistIsNoticed(t *testing.T) {
	t.Parallel()
	help := func(words ...string) (string, error) {
		return "Available Commands:\n  status  Who owns it\n\nFlags:\n  -o, --output string\n      --watch\n\nGlobal Flags:\n", nil
	}
	for line, want := range map[string]string{
		"fipctl status -o json --watch":  "",
		"sudo fipctl status":             "",
		"fipctl statsu":                  `no command "statsu"`,
		"fipctl status --wach":           `no flag "--wach"`,
		"go run ./cmd/fipctl --x status": `no flag "--x"`,
	} {
		got := ""
		if err := checkInvocation(line, help); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("checkInvocation(%q): got %q, want %q", line, got, want)
		}
	}
}

// helpReader returns a function that gives a command's help text.
func helpReader(name string) func(...string) (string, error) {
	known := map[string]string{}
	return func(words ...string) (string, error) {
		key := strings.Join(words, " ")
		if text, ok := known[key]; ok {
			return text, nil
		}
		out, err := exec.Command(name, append(slices.Clone(words), "--help")...).Output()
		known[key] = string(out)
		return known[key], err
	}
}

var (
	commandLine = regexp.MustCompile(`(?m)^  ([a-z]+)  `)
	wordOfHelp  = regexp.MustCompile(`(?:^|[\s,])(--?[a-zA-Z][a-z-]*)`)
)

// checkInvocation reports what is wrong with a command line: a command or a flag
// that the program does not have.
func checkInvocation(line string, help func(...string) (string, error)) error {
	line, _, _ = strings.Cut(line, " #")
	words := strings.Fields(command.FindStringSubmatch(line)[1])
	top, err := help()
	if err != nil {
		return err
	}
	var verb []string
	text := top
	for i, word := range words {
		previousIsFlag := i > 0 && strings.HasPrefix(words[i-1], "-")
		if strings.HasPrefix(word, "-") || (previousIsFlag && len(words) > i+1) {
			continue
		}
		if !slices.Contains(firstGroups(commandLine, top), word) {
			return fmt.Errorf("no command %q", word)
		}
		verb = []string{word}
		if text, err = help(verb...); err != nil {
			return err
		}
		break
	}
	flags := firstGroups(wordOfHelp, text)
	for _, word := range words {
		flag, _, _ := strings.Cut(strings.Trim(word, "[]"), "=")
		if strings.HasPrefix(flag, "-") && flag != "--help" && !slices.Contains(flags, flag) {
			return fmt.Errorf("no flag %q", flag)
		}
	}
	return nil
}

func TestScriptsAreExecutableAndParse(t *testing.T) {
	t.Parallel()
	const script = root + "/.ci/run"
	info, err := os.Stat(script)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&0o111 == 0 {
		t.Errorf("%s is not executable", script)
	}
	shell, err := exec.LookPath("bash")
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		t.Skip("no bash on this machine to parse the script with")
	}
	var out bytes.Buffer
	check := exec.Command(shell, "-n", script)
	check.Stderr = &out
	if err := check.Run(); err != nil {
		t.Errorf("bash -n %s: %v\n%s", script, err, out.Bytes())
	}
}
