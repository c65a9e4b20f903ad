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
// letters, which encoding/json would take for its own. One that it knows and that an object
// has twice is an error, since encoding/json would take the last, or a mixture. Errors name
// the member as the vendor does, and nothing of Go.
func Decode(data []byte, into any) error {
	data, err := Exact(data, into)
	if err != nil {
		return err
	}
	err = json.Unmarshal(data, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field == "":
		return fmt.Errorf("decode answer: %s, which is not the documented type", Clean(wrong.Value))
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: %s, which is not the documented type", Clean(wrong.Field), Clean(wrong.Value))
	default:
		return fmt.Errorf("decode answer: %s", Clean(err.Error()))
	}
}

// mark is the byte order mark that a document may begin with and that says nothing (RFC 8259
// section 8.1).
var mark = []byte("\ufeff")

// Exact returns data for a reader that takes names as encoding/json does, whose members are
// those of into: without a byte order mark, and without the names that differ from one of
// into by the case of letters alone, which are overwritten with as many hyphens. Its errors
// are those of Decode for what is no JSON document, or has a member of into twice.
func Exact(data []byte, into any) ([]byte, error) {
	data = bytes.TrimPrefix(data, mark)
	if err := document(data); err != nil {
		return nil, err
	}
	known := map[string]bool{} // by name, and lower-cased: false unless that is a name too
	collect(reflect.TypeOf(into), known, map[reflect.Type]bool{})
	out := bytes.Clone(data)
	var had []map[string]bool // the names so far, in each object that is open
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{':
			had = append(had, map[string]bool{})
			continue
		case '}':
			had = had[:len(had)-1]
			continue
		case '"':
		default:
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
			_, folded := known[fold(name)]
			switch names := had[len(had)-1]; {
			case known[name] && names[name]:
				return nil, fmt.Errorf("%s: there twice in one object, so what it says is not certain", Clean(name))
			case known[name]:
				names[name] = true
			case folded:
				copy(out[i+1:end], bytes.Repeat([]byte("-"), end-i-1))
			}
		}
		i = end
	}
	return out, nil
}

// document returns an error unless data is one JSON document. What does not even begin like
// an answer is shown: it is from whoever answers in the API's place.
func document(data []byte) error {
	begin := bytes.TrimLeft(data, " \t\r\n")
	if len(begin) == 0 {
		return errors.New("the answer is empty")
	}
	var any json.RawMessage
	err := json.Unmarshal(data, &any)
	switch {
	case err == nil:
		return nil
	case begin[0] == '{' || begin[0] == '[':
		return fmt.Errorf("decode answer: no JSON document: %s", Clean(err.Error()))
	default:
		return fmt.Errorf("not an answer of the API: %s; look at the endpoint, and at what answers in its place", Quote(string(begin[:min(len(begin), 4*TextMax)])))
	}
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
