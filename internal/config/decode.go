// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// decode fills v, a pointer to a raw struct, from a mapping. It goes on after
// every problem and notes the place of every path it meets.
func (r *reporter) decode(m *ast.MappingNode, v any) {
	r.block(m, reflect.ValueOf(v).Elem(), "")
}

// value decodes n into v, which is a pointer, a slice or a map, and reports
// whether there was anything to keep.
func (r *reporter) value(n ast.Node, v reflect.Value, path string) bool {
	s := seen(n)
	if s.kind == kindNothing {
		r.errorf(path, "has no value; write one or remove the key")
		return false
	}
	switch v.Kind() {
	case reflect.Slice:
		return r.list(n, v, path)
	case reflect.Map:
		return r.named(n, v, path)
	}
	target := reflect.New(v.Type().Elem())
	switch leaf := target.Interface().(type) {
	case scalarLeaf:
		if problem := leaf.scan(s); problem != "" {
			r.errorf(path, "%s", problem)
			return false
		}
	case *command:
		if problem := leaf.scan(n); problem != "" {
			r.errorf(path, "%s", problem)
			return false
		}
	default:
		m, ok := n.(*ast.MappingNode)
		if !ok {
			r.errorf(path, "%s; write a block with the keys %s", s.describe(), enumerate(r.offer(path, keysOf(target.Elem())), "and"))
			return false
		}
		r.block(m, target.Elem(), path)
	}
	v.Set(target)
	return true
}

// list decodes a sequence. An entry that was refused stays nil, so that the
// others keep their numbers.
func (r *reporter) list(n ast.Node, v reflect.Value, path string) bool {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		r.errorf(path, "%s; write a list, each entry after \"- \"", seen(n).describe())
		return false
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, len(seq.Values))) // an empty list is not an absent one
	for i, entry := range seq.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.places[at] = startOf(entry)
		item := reflect.New(v.Type().Elem()).Elem()
		r.value(entry, item, at)
		v.Set(reflect.Append(v, item))
	}
	return true
}

// named decodes a mapping whose keys are names that the user chose.
func (r *reporter) named(n ast.Node, v reflect.Value, path string) bool {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		r.errorf(path, "%s; write name: value", seen(n).describe())
		return false
	}
	v.Set(reflect.MakeMap(v.Type()))
	r.entries(m, path, func(key, at string, value ast.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		if r.value(value, item, at) {
			v.SetMapIndex(reflect.ValueOf(key), item)
		}
	})
	return true
}

// block decodes a mapping whose keys are the fields of a struct.
func (r *reporter) block(m *ast.MappingNode, v reflect.Value, path string) {
	known := keysOf(v)
	r.entries(m, path, func(key, at string, value ast.Node) {
		if !slices.Contains(known, key) {
			r.errorf(at, "unknown key; %s", instead(key, r.offer(path, known)))
			return
		}
		r.value(value, fieldOf(v, key), at)
	})
}

// entries calls use for every entry of a mapping, in order, except the ones that
// repeat an earlier key.
func (r *reporter) entries(m *ast.MappingNode, path string, use func(key, at string, value ast.Node)) {
	lines := map[string]int{}
	for _, entry := range m.Values {
		key := entry.Key.GetToken().Value
		at, p := join(path, key), placeOf(entry.Key.GetToken())
		if first, twice := lines[key]; twice {
			r.report(Error, p, at, fmt.Sprintf("is given twice, first on line %d; keep one", first))
			continue
		}
		lines[key] = p.line
		r.places[at] = p
		use(key, at, entry.Value)
	}
}

// startOf returns where a value begins: a block begins at its first key, not at
// the colon after it.
func startOf(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return placeOf(m.Values[0].Key.GetToken())
	}
	return placeOf(n.GetToken())
}

// keysOf returns the names of a raw struct's fields in the file, in order.
func keysOf(v reflect.Value) []string {
	var keys []string
	for _, f := range reflect.VisibleFields(v.Type()) {
		if !f.Anonymous {
			keys = append(keys, f.Tag.Get("yaml"))
		}
	}
	return keys
}

// fieldOf returns the field with the name that the file uses.
func fieldOf(v reflect.Value, key string) reflect.Value {
	for _, f := range reflect.VisibleFields(v.Type()) {
		if !f.Anonymous && f.Tag.Get("yaml") == key {
			return v.FieldByIndex(f.Index)
		}
	}
	panic("config: no field for key " + key)
}
