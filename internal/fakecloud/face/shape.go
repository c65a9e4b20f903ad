// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package face

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Shape is how much of itself an answer tells. A cloud that was only ever asked for full
// answers proves nothing about a client: the real services leave members out, and add others.
type Shape uint8

const (
	// Full answers have every member of the vendor's documents, filled.
	Full Shape = iota
	// Sparse answers lack what the vendor has been seen to leave out (Sparing).
	Sparse
	// Extended answers have, in every object, a member that no client knows.
	Extended
)

var shapeNames = [...]string{Full: "full", Sparse: "sparse", Extended: "extended"}

// String returns the name of the shape.
func (s Shape) String() string { return shapeNames[s] }

// MarshalText returns the name of the shape. It never fails.
func (s Shape) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the name of a shape; its error says which there are.
func (s *Shape) UnmarshalText(text []byte) error {
	for i, name := range shapeNames {
		if name == string(text) {
			*s = Shape(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not one of %s", text, strings.Join(shapeNames[:], ", "))
}

// Shapes returns all shapes, Full first.
func Shapes() []Shape { return []Shape{Full, Sparse, Extended} }

// Sparing is one way in which a vendor's answers tell less than its documents, or tell it in
// another form.
type Sparing struct {
	On Match // the calls whose answers have it
	// Member says where: names with dots between them, "*" for each element of a list or each
	// member of an object, and "**" at the end for every member below, at any depth.
	Member string
	If     func(value any) bool // which values of it; nil: whatever there is
	Does   Sparer
	Known  string // where that is known from: a page, a sample, a recorded answer, a client
}

// Sparer changes one member of a decoded JSON object.
type Sparer func(object map[string]any, name string)

// LeftOut leaves the member out.
func LeftOut(object map[string]any, name string) { delete(object, name) }

// Null leaves null in its place.
func Null(object map[string]any, name string) { object[name] = nil }

// Listed wraps the value in a list of one.
func Listed(object map[string]any, name string) { object[name] = []any{object[name]} }

// Renamed gives the member another name.
func Renamed(to string) Sparer {
	return func(object map[string]any, name string) {
		object[to] = object[name]
		delete(object, name)
	}
}

// Blank reports whether a decoded value says nothing: null, "", 0, false, [] or {}.
func Blank(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case json.Number:
		f, err := v.Float64()
		return err == nil && f == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// apply changes every member of document that the sparing names.
func (s *Sparing) apply(document any) { s.walk(document, strings.Split(s.Member, ".")) }

func (s *Sparing) walk(value any, path []string) {
	deep := path[0] == "**"
	each := deep || path[0] == "*"
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			switch {
			case deep:
				s.walk(element, path)
			case each && len(path) > 1:
				s.walk(element, path[1:])
			}
		}
	case map[string]any:
		for _, name := range slices.Collect(maps.Keys(v)) { // as they are before any change
			switch member := v[name]; {
			case !each && name != path[0]:
				continue
			case deep:
				s.walk(member, path)
			case len(path) > 1:
				s.walk(member, path[1:])
				continue
			}
			if s.If == nil || s.If(v[name]) {
				s.Does(v, name)
			}
		}
	}
}

// extend adds a member that no client knows to every object of document.
func extend(document any) {
	switch v := document.(type) {
	case []any:
		for _, element := range v {
			extend(element)
		}
	case map[string]any:
		for _, member := range v {
			extend(member)
		}
		v["x_added_later"] = map[string]any{"id": "", "list": []any{nil, 1, "two"}, "object": nil}
	}
}

// shaped returns the answer to c as it is told in this shape. What is no JSON stays as it is.
func (s Shape) shaped(c *Call, a Answer, sparings []Sparing) Answer {
	if s == Full || len(a.Body) == 0 {
		return a
	}
	var document any
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber() // an id of 64 bits stays what it is
	if d.Decode(&document) != nil || d.More() {
		return a
	}
	switch s {
	case Sparse:
		for i := range sparings {
			if sparings[i].On.matches(c) {
				sparings[i].apply(document)
			}
		}
	case Extended:
		extend(document)
	}
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(document); err != nil {
		panic(fmt.Sprintf("encode a %s answer to %s %s: %v", s, c.Method, c.Path, err)) // it was JSON a moment ago
	}
	a.Body = bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	return a
}
