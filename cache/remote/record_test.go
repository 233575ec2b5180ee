package remote

import (
	"bytes"
	"errors"
	"testing"

	"fmake/cache"
)

func TestRecord(t *testing.T) {
	key, other := cache.HashString("key"), cache.HashString("other")
	data := (&record{setsKind, key, []byte("body")}).encode()
	r, err := decodeRecord(data, setsKind, key)
	if err != nil || string(r.body) != "body" {
		t.Fatalf("%v, %v", r, err)
	}
	for name, read := range map[string]func() error{
		"another key":  func() error { _, err := decodeRecord(data, setsKind, other); return err },
		"another kind": func() error { _, err := decodeRecord(data, resultKind, key); return err },
		"cut off":      func() error { _, err := decodeRecord(data[:len(data)-1], setsKind, key); return err },
		"empty":        func() error { _, err := decodeRecord(nil, setsKind, key); return err },
	} {
		if err := read(); !errors.Is(err, errGarbage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSets(t *testing.T) {
	sets := [][]byte{[]byte("one"), nil, bytes.Repeat([]byte("x"), 300)}
	got, err := decodeSets(encodeSets(sets))
	if err != nil || len(got) != len(sets) || string(got[2]) != string(sets[2]) {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := decodeSets([]byte{5, 'x'}); !errors.Is(err, errGarbage) {
		t.Errorf("cut off: %v", err)
	}
}

func FuzzRecord(f *testing.F) {
	key := cache.HashString("key")
	body := encodeSets([][]byte{[]byte("set")})
	f.Add((&record{setsKind, key, body}).encode())
	f.Add((&record{resultKind, key, cache.EncodeTrace(&cache.Trace{Strong: key})}).encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := decodeRecord(data, setsKind, key); err == nil {
			_, _ = decodeSets(r.body)
		}
		_, _ = decodeSets(data)
		// What is inside a record comes from elsewhere, too, whatever its seal says.
		if trace, err := cache.DecodeTrace(data); err == nil {
			_, _ = cache.Portable(trace)
		}
	})
}
