package main

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func FuzzQuoteJSON(f *testing.F) {
	for _, s := range []string{"", "a b", "\"\\\n\t\x00\x7f", "größe", "\xff\xfe", "\u2028", "</script>", "\U0001f600"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal([]byte(quoteJSON(s)), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if utf8.ValidString(s) && got != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}
