// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Program returns the file that is run by a name: an absolute path, or a name in PATH.
// As an *Error it reports that others can change the file, or put one in its place or
// before it: whatever exists of the way is looked at, and of PATH every folder until the
// file is found. Where nothing is found, and nobody else could put it there, the error is
// fs.ErrNotExist.
func (u Users) Program(name string) (file string, err error) {
	if strings.Contains(name, "/") {
		return name, u.Fixed(name)
	}
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		if !filepath.IsAbs(folder) {
			continue // a program is not run from the folder one happens to be in
		}
		file = filepath.Join(folder, name)
		var in *Error
		switch err := u.Fixed(file); {
		case err == nil && runs(file):
			return file, nil
		case errors.As(err, &in):
			return "", err
		}
	}
	return "", notInPath{}
}

// notInPath is fs.ErrNotExist in the words of os/exec.
type notInPath struct{}

func (notInPath) Error() string        { return "executable file not found in $PATH" }
func (notInPath) Is(target error) bool { return target == fs.ErrNotExist }

// runs reports whether a file is one that somebody may run.
func runs(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
