package build

import (
	"testing"

	"fmake/cache"
)

// TestBeneath: what an action has replaced in time is not what it has replaced in serial
// order, if an action after it has run before it.
func TestBeneath(t *testing.T) {
	file := func(content string) cache.Output {
		return cache.Output{Path: "./f", Type: typeRegular, Hash: cache.HashString(content)}
	}
	users, first, last := file("user's"), file("first"), file("last")
	for _, c := range []struct {
		name  string
		chain []version
		found cache.Output
		want  *cache.Output
	}{
		{"the user's file", nil, users, &users},
		{"an earlier version", []version{{serial: 1, target: "first", out: first}}, first, &first},
		{"a later version, made anew", []version{{serial: 9, target: "last", out: last}}, last, nil},
		{"a later version over the user's", []version{{serial: 9, target: "last", out: last, before: &users}}, last, &users},
		{"a later version over an earlier one", []version{{serial: 1, target: "first", out: first}, {serial: 9, target: "last", out: last, before: &first}}, last, &first},
		{"an earlier version like a later one", []version{{serial: 1, target: "first", out: last}, {serial: 9, target: "last", out: last}}, last, &last},
		{"its own", []version{{serial: 5, target: "it", out: last}}, last, &last},
	} {
		v := &versions{paths: map[string][]version{"./f": c.chain}}
		got := v.beneath(&node{name: "it", serial: 5}, &c.found)
		if (got == nil) != (c.want == nil) || got != nil && got.Hash != c.want.Hash {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
