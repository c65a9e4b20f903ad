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
		if block, at := blockBelow(f.Type, join(path, f.Tag.Get("yaml"))); block != nil {
			blocks = append(blocks, blocksWith(key, block, at)...)
		}
	}
	return blocks
}

// Keys returns every key of the file with the blocks that it is in, as in
// "groups[].checks[].weight" and "providers.NAME.region", in the order of the blocks.
func Keys() []string { return keysFrom(reflect.TypeFor[rawFile](), "") }

// keysFrom returns the keys of the block t at a path and of those below it.
func keysFrom(t reflect.Type, path string) []string {
	var keys []string
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		below, at := blockBelow(f.Type, join(path, f.Tag.Get("yaml")))
		if below == nil {
			keys = append(keys, join(path, f.Tag.Get("yaml")))
		} else {
			keys = append(keys, keysFrom(below, at)...)
		}
	}
	return keys
}

// blockBelow returns the block that a key at a path holds, itself or many of them, and where
// that is; nil: it holds values.
func blockBelow(t reflect.Type, at string) (reflect.Type, string) {
	switch t.Kind() {
	case reflect.Slice:
		t, at = t.Elem(), at+"[]"
	case reflect.Map:
		t, at = t.Elem(), at+".NAME"
	}
	if block := t.Elem(); block.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[scalarLeaf]()) {
		return block, at
	}
	return nil, at
}
