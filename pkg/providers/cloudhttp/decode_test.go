// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type inner struct {
	ID   int64  `json:"id"`
	Name string // without a tag
}

type outer struct {
	One  *inner          `json:"one"`
	Many []inner         `json:"many"`
	Raw  json.RawMessage `json:"raw"`
	inner
}

func TestDecodeNamesTheMember(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                                  "the answer is empty",
		" \n":                               "the answer is empty",
		`[]`:                                "decode answer: array, which is not the documented type",
		`{"one":[]}`:                        "one: array, which is not the documented type",
		`{"one":{"id":"x"}}`:                "one.id: string, which is not the documented type",
		`{"many":[{"id":1.5}]}`:             "many.id: number 1.5, which is not the documented type",
		"\ufeff":                            "the answer is empty",
		"<html>\n":                          `not an answer of the API: "<html>"; look at the endpoint, and at what answers in its place`,
		"upstream timed out":                `not an answer of the API: "upstream timed out"; look at the endpoint, and at what answers in its place`,
		`"upstream timed out"`:              "decode answer: string, which is not the documented type",
		`{"one":{"id":1,"id":1}}`:           "id: there twice in one object, so what it says is not certain",
		`{"one":null,"x":{},"\u006fne":{}}`: "one: there twice in one object, so what it says is not certain",
		`{"many":[{"id":1},{"id":2,"x":{"id":3},"id":4}]}`: "id: there twice in one object, so what it says is not certain",
		`{}{}`:                     "decode answer: no JSON document: invalid character '{' after top-level value",
		`{"one":{"id":1}`:          "decode answer: no JSON document: unexpected end of JSON input",
		"{\"one\":{\"id\":1}}\x1b": `decode answer: no JSON document: invalid character '\x1b' after top-level value`,
	} {
		if err := Decode([]byte(body), &outer{}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

// TestNamesAreTakenInTheirOwnCaseOnly: encoding/json matches them whatever the case, and the
// last wins.
func TestNamesAreTakenInTheirOwnCaseOnly(t *testing.T) {
	t.Parallel()
	one := outer{One: &inner{ID: 1}}
	for body, want := range map[string]outer{
		`{"one":{"id":1},"ONE":null}`:            one,
		`{"one":{"id":1,"Id":2},"One" : {}}`:     one,
		`{"one":{"id":1},"\u004fne":null}`:       one,
		`{"ONE":{"id":1}}`:                       {},
		"\ufeff{\"one\":{\"id\":1}}":             one,
		`{"one":{"id":1},"x":1,"x":2,"ONE":1}`:   one,
		`{"x":{"one":1},"one":{"id":1}}`:         one,
		`{"many":[{"id":1},{"id":2}]}`:           {Many: []inner{{ID: 1}, {ID: 2}}},
		`{"one":{"id":1},"more":{"ONE":"ONE:"}}`: one,
		`{"raw":"ONE","id":7,"Name":"ID\":"}`:    {Raw: json.RawMessage(`"ONE"`), inner: inner{ID: 7, Name: `ID":`}},
		`{"id":7,"name":"x"}`:                    {inner: inner{ID: 7}},
	} {
		var got outer
		if err := Decode([]byte(body), &got); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(outer{})); diff != "" {
			t.Errorf("%s:\n%s", body, diff)
		}
	}
}

func TestALooseTextNeverFails(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Loose{
		`"a"`: "a", `7`: "7", `-1.5`: "-1.5", `true`: "true", `null`: "", `{}`: "", `["a"]`: "",
	} {
		got := Loose("before")
		if err := json.Unmarshal([]byte(body), &got); err != nil || got != want {
			t.Errorf("%s: got %q, %v", body, got, err)
		}
	}
}
