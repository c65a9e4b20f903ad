// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// linksMax is how many symbolic links a path may lead over, as in Linux (path_resolution(7)).
const linksMax = 40

// Secret is what was read of a file that nobody else may read or change.
type Secret struct {
	Text  []byte
	Owner uint32
}

// ReadSecret reads a file that only users may read and change, of at most so many bytes.
// It waits for nothing: what is no regular file, such as a pipe, is an *Error, and so are
// other hands and a longer file. A file that is not there is fs.ErrNotExist.
func (u Users) ReadSecret(path string, most int64) (Secret, error) {
	f, info, err := u.open(path, true)
	if err != nil {
		return Secret{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return Secret{}, err
	case int64(len(text)) > most:
		return Secret{}, because("%s has more than %d bytes; is it another file?", path, most)
	}
	owner, _ := owners(info)
	return Secret{Text: text, Owner: owner}, nil
}

// Fixed reports, as an *Error, that others than the users can change what is at path. What
// is not there, or may not be looked at, is another error.
func (u Users) Fixed(path string) error {
	_, _, err := u.resolve(path, false)
	return err
}

// looked is told of a way that is good, before it is opened. Only tests do something then.
var looked func(at string)

// open opens a file whose way and hands are good. The opened file is looked at as well:
// it is what is read.
func (u Users) open(path string, private bool) (*os.File, fs.FileInfo, error) {
	at, _, err := u.resolve(path, private)
	if err != nil {
		return nil, nil, err
	}
	if looked != nil {
		looked(at)
	}
	f, err := os.OpenFile(at, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0) // no link is left in at
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = because("%s is no regular file any more; try again", path)
	default:
		err = u.problem(step{at, path, info, listOfFile(f), private})
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// irregular says that a thing is no file with a text. Even to open a device may do
// something, and to mend its mode harms the machine.
func irregular(path string, info fs.FileInfo) error {
	return because("%s is no regular file, but %s; write the text itself into a file there", path, typeOf(info.Mode()))
}

// typeOf returns what a thing is that is no regular file.
func typeOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeDir != 0:
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}

// resolve goes from the root to what path names, over all links, and looks at each step
// before it takes the next. It returns the path without links and what is there.
func (u Users) resolve(path string, private bool) (at string, info fs.FileInfo, err error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", nil, err
	}
	at, links := "/", 0
	rest := names(whole)
	if info, err = u.look(at, path, private, len(rest) == 0); err != nil {
		return "", nil, err
	}
	for len(rest) > 0 {
		next := filepath.Join(at, rest[0]) // ".." of a link leads to the parent, which was looked at
		rest = rest[1:]
		if info, err = u.look(next, path, private, len(rest) == 0); err != nil {
			return "", nil, err
		}
		if info.Mode().Type() != fs.ModeSymlink {
			at = next
			continue
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", nil, err
		}
		if links++; links > linksMax {
			return "", nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(names(target), rest...)
	}
	return at, info, nil
}

// look returns what is at one step of the way to path, and what is wrong with it.
func (u Users) look(at, path string, private, last bool) (fs.FileInfo, error) {
	info, err := os.Lstat(at)
	if err != nil {
		return nil, err
	}
	switch kind := info.Mode().Type(); {
	case kind == fs.ModeDir && private && last,
		kind != 0 && kind != fs.ModeDir && kind != fs.ModeSymlink:
		return nil, irregular(path, info)
	}
	return info, u.problem(step{at, path, info, listOf(at), private})
}

// names returns the names that a path is made of.
func names(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}
