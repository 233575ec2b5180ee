package cache

import (
	"path/filepath"
	"reflect"
	"testing"
)

func TestLog(t *testing.T) {
	g, err := Load(filepath.Join(t.TempDir(), "graph"))
	if err != nil {
		t.Fatal(err)
	}
	l := Log{Path: "./warnings.log", Left: HashString("a"), Before: HashString("b"), Exists: true, Base: []byte("base\n")}
	other := Log{Path: "./other.log", Base: []byte{}}
	for _, x := range []*Log{{Path: l.Path}, &l, &other} {
		if err := g.PutLog(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.DropLog(other.Path); err != nil {
		t.Fatal(err)
	}
	if got := g.Logs(); !reflect.DeepEqual(got, []Log{l}) {
		t.Errorf("got %+v, want %+v", got, l)
	}
	data := encodeLog(&l)
	for i := range data {
		data[i] ^= 1
		if _, ok := decodeLog(data); ok {
			t.Errorf("byte %d may be wrong", i)
		}
		data[i] ^= 1
	}
}
