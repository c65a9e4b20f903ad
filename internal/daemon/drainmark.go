// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// drainMark says on disk that an operator drained this node. It is the only thing
// that a daemon remembers over a restart; ownership and identity never are
// (invariant 6). A mark of another cluster or node, as on a machine cloned from
// an image, does not count.
type drainMark struct {
	Cluster string    `json:"cluster"`
	Node    string    `json:"node"`
	Group   string    `json:"group"`
	Since   time.Time `json:"since"`
}

// drainMarks reads and writes the marks of one node below a directory.
type drainMarks struct{ dir, cluster, node string }

func (d drainMarks) path(group string) string {
	return filepath.Join(d.dir, "drained-"+group+".json")
}

// corruptMarkError says that a mark could not be read and was set aside.
type corruptMarkError struct {
	Path, Aside string
	Err         error
}

func (e *corruptMarkError) Error() string {
	return fmt.Sprintf("read drain mark %s: %v; set aside as %s, the node is not drained; run \"fipctl drain\" again if it should be", e.Path, e.Err, e.Aside)
}

func (e *corruptMarkError) Unwrap() error { return e.Err }

// drained reports whether a mark keeps this node out of group. A mark that cannot
// be understood is moved aside, once, and reported as *corruptMarkError.
func (d drainMarks) drained(group string) (bool, error) {
	path := d.path(group)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read drain mark: %w", err)
	}
	var mark drainMark
	err = json.Unmarshal(raw, &mark)
	if err == nil && (mark.Cluster == "" || mark.Node == "" || mark.Group != group) {
		err = fmt.Errorf("it names cluster %q, node %q, group %q", mark.Cluster, mark.Node, mark.Group)
	}
	if err != nil {
		aside := path + ".corrupt"
		if moved := os.Rename(path, aside); moved != nil {
			return false, fmt.Errorf("set aside drain mark: %w", moved)
		}
		return false, &corruptMarkError{Path: path, Aside: aside, Err: err}
	}
	return mark.Cluster == d.cluster && mark.Node == d.node, nil
}

// set writes the mark of group, in one step and to disk before it returns.
func (d drainMarks) set(group string, now time.Time) error {
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return fmt.Errorf("write drain mark: %w", err)
	}
	raw, err := json.Marshal(drainMark{d.cluster, d.node, group, now.UTC()})
	if err != nil {
		return fmt.Errorf("write drain mark: %w", err)
	}
	if err := writeFileSync(d.path(group), append(raw, '\n')); err != nil {
		return fmt.Errorf("write drain mark: %w", err)
	}
	return nil
}

// clear removes the mark of group.
func (d drainMarks) clear(group string) error {
	err := os.Remove(d.path(group))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove drain mark: %w", err)
	}
	return nil
}

// writeFileSync replaces path by a file with the given content that survives a
// power cut.
func writeFileSync(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".drained-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// readMarks returns whether each group was drained before this start, and what
// was wrong with the marks.
func readMarks(marks drainMarks, groups []string) (drained map[string]bool, marred []error) {
	drained = map[string]bool{}
	for _, name := range groups {
		yes, err := marks.drained(name)
		drained[name] = yes
		if err != nil {
			marred = append(marred, err)
		}
	}
	return drained, marred
}
