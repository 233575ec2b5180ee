package jsonout

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestNestedValues(t *testing.T) {
	var w Writer
	w.Object(func() {
		w.Field("name", "a.o")
		w.Given("nothing", "")
		w.Strings("none", nil)
		w.Strings("words", []string{"x", "y"})
		w.Key("list").Array(func() {
			w.Int(-1)
			w.Bool(true)
			w.Object(func() {})
			w.Newline()
			w.Micros(1500)
		})
	})
	w.End()
	want := `{"name":"a.o","words":["x","y"],"list":[-1,true,{},` + "\n" + `1.500]}` + "\n"
	if got := string(w.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !json.Valid(w.Bytes()) {
		t.Error("not valid JSON")
	}
}

// FuzzString holds the writer against the standard library's reader.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", `a"b\c`, "\x00\x1f\n\t", "</script>", "\u2028\u2029é😀", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var w Writer
		w.String(s)
		var got string
		if err := json.Unmarshal(w.Bytes(), &got); err != nil {
			t.Fatalf("%q: %v", w.Bytes(), err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); got != want && strings.ToValidUTF8(s, "") == s {
			t.Errorf("got %q, want %q", got, want)
		}
		if strings.ContainsAny(string(w.Bytes()), "<>&") {
			t.Errorf("%q could end a script", w.Bytes())
		}
	})
}
