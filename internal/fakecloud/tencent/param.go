// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// decode reads the parameters of a call into a struct. Wrong types are errors, as
// are parameters that the action does not have.
func decode(r *request, into any) *failure {
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return fail("InvalidParameter", "The value type of the parameter %s is not valid: %s.", wrong.Field, wrong.Value)
	case err != nil && strings.Contains(err.Error(), "unknown field"):
		return fail("UnknownParameter", "The request has a parameter that %s does not know.", r.Action)
	case err != nil || d.Decode(new(json.RawMessage)) != io.EOF:
		return fail("InvalidParameter", "The body is not one JSON object.")
	}
	return nil
}

// required reports the first of the named values that is missing.
func required(nameValue ...string) *failure {
	for i := 0; i < len(nameValue); i += 2 {
		if nameValue[i+1] == "" {
			return fail("MissingParameter", "The request is missing the parameter %s.", nameValue[i])
		}
	}
	return nil
}

var idSuffix = regexp.MustCompile("^[0-9a-z]+$")

// isID reports whether id has the form of ids with this prefix, such as "eip-".
func isID(id, prefix string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	return ok && idSuffix.MatchString(rest)
}

// filter is one of "Filters": a document passes that has one of the values.
type filter struct {
	Name   string
	Values []string
}

// selection are the parameters that every list has, with what they are called.
type selection struct {
	ids           []string
	prefix        string // of the ids
	malformed     string // the code for ids without it
	filters       []filter
	invalidFilter string // the code for an unknown filter
	offset, limit int
}

const (
	limitDefault = 20
	limitMax     = 100
	filtersMax   = 10
)

// check reports what is wrong with the parameters themselves.
func (s selection) check() *failure {
	for _, id := range s.ids {
		if !isID(id, s.prefix) {
			return fail(s.malformed, "The id %q does not have the form %sxxxxxxxx.", id, s.prefix)
		}
	}
	switch {
	case len(s.ids) > 0 && len(s.filters) > 0:
		return fail("InvalidParameter.Coexist", "Ids and filters cannot be given together.")
	case len(s.ids) > limitMax || len(s.filters) > filtersMax:
		return fail("InvalidParameterValue.LimitExceeded", "There are too many ids or filters.")
	case s.offset < 0 || s.limit < 1 || s.limit > limitMax:
		return fail("InvalidParameterValue.Range", "Offset or Limit is out of range.")
	}
	return nil
}

// choose returns the page of the documents that are selected, and how many there
// are. field returns the values of a document that a filter compares, and false for
// a filter that does not exist; what it returns for "id" is compared with the ids.
func choose[T any](s selection, all []T, field func(d T, name string) ([]string, bool)) ([]T, int, *failure) {
	if f := s.check(); f != nil {
		return nil, 0, f
	}
	var zero T
	for _, f := range s.filters {
		if _, ok := field(zero, f.Name); !ok || f.Name == "id" {
			return nil, 0, fail(s.invalidFilter, "The filter %q does not exist.", f.Name)
		}
	}
	chosen := []T{}
	for _, d := range all {
		if id, _ := field(d, "id"); len(s.ids) == 0 || slices.Contains(s.ids, id[0]) {
			if passes(d, s.filters, field) {
				chosen = append(chosen, d)
			}
		}
	}
	total := len(chosen)
	from := min(s.offset, total)
	return chosen[from:min(from+s.limit, total)], total, nil
}

func passes[T any](d T, filters []filter, field func(T, string) ([]string, bool)) bool {
	for _, f := range filters {
		values, _ := field(d, f.Name)
		if !slices.ContainsFunc(f.Values, func(v string) bool { return slices.Contains(values, v) }) {
			return false
		}
	}
	return true
}

// number returns *n, or what stands for it when it is missing.
func number(n *int, otherwise int) int {
	if n == nil {
		return otherwise
	}
	return *n
}

// digits is number for the actions that have numbers as strings; -1 is a bad one.
func digits(text *string, otherwise int) int {
	if text == nil {
		return otherwise
	}
	n, err := strconv.Atoi(*text)
	if err != nil {
		return -1
	}
	return n
}

// flag spells a bool as filters do.
func flag(b bool) string { return strings.ToUpper(strconv.FormatBool(b)) }
