// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Decode reads one JSON document and nothing after it into what into points to. Members
// that it does not know pass, and so do those whose names differ from its own in the case of
// letters, which encoding/json would take for its own. Its errors name the member as the
// vendor does, and nothing of Go.
func Decode(data []byte, into any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("the answer is empty")
	}
	err := json.Unmarshal(Exact(data, into), into)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field == "":
		return fmt.Errorf("decode answer: %s, which is not the documented type", Clean(wrong.Value))
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: %s, which is not the documented type", Clean(wrong.Field), Clean(wrong.Value))
	default:
		return fmt.Errorf("decode answer: no JSON document: %s", Clean(err.Error()))
	}
}

// Exact returns data without the names that encoding/json would match with those of into by
// the case of letters alone: they are overwritten with as many hyphens. What is no JSON
// document comes back as it is.
func Exact(data []byte, into any) []byte {
	known := map[string]bool{} // by name, and lower-cased: false unless that is a name too
	collect(reflect.TypeOf(into), known, map[reflect.Type]bool{})
	if !json.Valid(data) {
		return data
	}
	out := bytes.Clone(data)
	for i := 0; i < len(data); i++ {
		if data[i] != '"' {
			continue
		}
		end := i + 1
		for ; data[end] != '"'; end++ {
			if data[end] == '\\' {
				end++
			}
		}
		if rest := bytes.TrimLeft(data[end+1:], " \t\r\n"); len(rest) > 0 && rest[0] == ':' {
			var name string
			_ = json.Unmarshal(data[i:end+1], &name) // the document is valid
			if _, folded := known[fold(name)]; folded && !known[name] {
				copy(out[i+1:end], bytes.Repeat([]byte("-"), end-i-1))
			}
		}
		i = end
	}
	return out
}

// fold is what names that encoding/json takes for the same have in common.
func fold(name string) string {
	return strings.ToLower(strings.NewReplacer("ſ", "s", "K", "k").Replace(name))
}

// collect notes the names of the members of t and of all that it contains.
func collect(t reflect.Type, known map[string]bool, seen map[reflect.Type]bool) {
	if t == nil || seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		collect(t.Elem(), known, seen)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name
			}
			if name != "-" && (f.IsExported() || f.Anonymous) {
				known[name] = true
				if low := fold(name); !known[low] {
					known[low] = low == name
				}
			}
			collect(f.Type, known, seen)
		}
	}
}

// Loose is a text of an answer that is shown or compared, where another type is no reason to
// lose the rest: a number or a boolean is its own text, and anything else is empty.
type Loose string

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (l *Loose) UnmarshalJSON(data []byte) error {
	var text string
	switch {
	case json.Unmarshal(data, &text) == nil: // null too
		*l = Loose(text)
	case data[0] != '{' && data[0] != '[':
		*l = Loose(data)
	default:
		*l = ""
	}
	return nil
}
