// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"reflect"
	"slices"
)

// instead says what to write for a key that its block does not have: the key of
// the block that was meant or, if none resembles it, the only other block that has
// a key of this name.
func instead(key string, known []string) string {
	if nearest(key, known) == "" {
		if blocks := blocksWith(key, reflect.TypeFor[rawFile](), ""); len(blocks) == 1 {
			return "write it " + blocks[0]
		}
	}
	return choice(key, known)
}

// blocksWith returns every block with the key, from the block t at a path on, each as in
// "under groups[].checks[]".
func blocksWith(key string, t reflect.Type, path string) []string {
	var blocks []string
	if slices.Contains(keysOf(reflect.Zero(t)), key) {
		blocks = append(blocks, pick(path == "", "at the top level", "under "+path))
	}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		below, at := f.Type, join(path, f.Tag.Get("yaml"))
		switch below.Kind() {
		case reflect.Slice:
			below, at = below.Elem(), at+"[]"
		case reflect.Map:
			below, at = below.Elem(), at+".NAME"
		}
		if block := below.Elem(); block.Kind() == reflect.Struct && !below.Implements(reflect.TypeFor[scalarLeaf]()) {
			blocks = append(blocks, blocksWith(key, block, at)...)
		}
	}
	return blocks
}
