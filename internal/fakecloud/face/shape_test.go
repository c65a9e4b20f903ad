// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package face

import (
	"net/http"
	"testing"
)

func TestShapes(t *testing.T) {
	t.Parallel()
	const full = `{"big":9007199254740993,"droplet":null,"list":[{"a":0,"b":"<x>"},{"a":2,"b":""}],"table":{"rules":[],"deep":{"c":false}}}`
	get := Call{Method: http.MethodGet, Path: "/v2/x"}
	for name, tt := range map[string]struct {
		shape Shape
		body  string
		rules []Sparing
		want  string
	}{
		"a full answer is as it was":     {Full, full, []Sparing{{Member: "big", Does: LeftOut}}, full},
		"a member is left out":           {Sparse, full, []Sparing{{Member: "droplet", Does: LeftOut}}, `{"big":9007199254740993,"list":[{"a":0,"b":"<x>"},{"a":2,"b":""}],"table":{"deep":{"c":false},"rules":[]}}`},
		"only where it is empty":         {Sparse, `[{"a":0},{"a":2}]`, []Sparing{{Member: "*.a", If: Blank, Does: LeftOut}}, `[{},{"a":2}]`},
		"everything empty, at any depth": {Sparse, full, []Sparing{{Member: "**", If: Blank, Does: LeftOut}}, `{"big":9007199254740993,"list":[{"b":"<x>"},{"a":2}]}`},
		"null in its place":              {Sparse, `{"a":[]}`, []Sparing{{Member: "a", Does: Null}}, `{"a":null}`},
		"in a list":                      {Sparse, `{"t":{"id":1}}`, []Sparing{{Member: "t", Does: Listed}}, `{"t":[{"id":1}]}`},
		"under another name":             {Sparse, `{"t":{"id":1}}`, []Sparing{{Member: "t.id", Does: Renamed("ID")}}, `{"t":{"ID":1}}`},
		"each member of an object":       {Sparse, `{"t":{"x":{"id":1},"y":{"id":2}}}`, []Sparing{{Member: "t.*.id", Does: Null}}, `{"t":{"x":{"id":null},"y":{"id":null}}}`},
		"of another call":                {Sparse, `{"a":1}`, []Sparing{{On: Match{Method: http.MethodPost}, Member: "a", Does: Null}}, `{"a":1}`},
		"what is not there":              {Sparse, `{"a":1}`, []Sparing{{Member: "b.c", Does: Null}, {Member: "a.c", Does: Null}, {Member: "*", If: Blank, Does: Null}}, `{"a":1}`},
		"no JSON":                        {Sparse, `true or not`, []Sparing{{Member: "**", Does: Null}}, `true or not`},
		"two documents":                  {Extended, `{} {}`, nil, `{} {}`},
		"nothing":                        {Extended, ``, nil, ``},
		"an extended answer":             {Extended, `[{"a":{}}]`, nil, `[{"a":{"x_added_later":{"id":"","list":[null,1,"two"],"object":null}},"x_added_later":{"id":"","list":[null,1,"two"],"object":null}}]`},
	} {
		if got := string(tt.shape.shaped(&get, Answer{Body: []byte(tt.body)}, tt.rules).Body); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tt.want)
		}
	}
}

func TestTheNameOfAShapeIsTaken(t *testing.T) {
	t.Parallel()
	for _, want := range Shapes() {
		var got Shape
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("%s is taken for %v, %v", text, got, err)
		}
	}
	if err := new(Shape).UnmarshalText([]byte("thin")); err == nil || err.Error() != `"thin" is not one of full, sparse, extended` {
		t.Errorf("thin: %v", err)
	}
}
