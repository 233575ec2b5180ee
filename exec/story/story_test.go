package story

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEachMakeAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "story")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, records := range [][]Record{{{"job", "a b", ""}}, nil, {{"job", "\n\"\xff"}, {"lint"}}} {
		if err := Append(path, records); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	want := []Record{{"job", "a b", ""}, {"job", "\n\"\xff"}, {"lint"}}
	if !slices.EqualFunc(got, want, slices.Equal[Record]) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFileThatIsGoneIsAnError(t *testing.T) {
	if err := Append(filepath.Join(t.TempDir(), "gone"), []Record{{"x"}}); err == nil {
		t.Error("no error")
	}
}

// FuzzRead: no text is more than an error or fewer records, and what is read comes out
// as it went in.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\"a\" \"b\"\n\"c"))
	f.Add([]byte("`x` 'y'\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		again, err := Read(bytes.NewReader(Encode(first)))
		if err != nil || !slices.EqualFunc(first, again, slices.Equal[Record]) {
			t.Errorf("%q became %q: %v", first, again, err)
		}
	})
}
