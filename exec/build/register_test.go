package build

import (
	"os"
	"reflect"
	"testing"
)

func visitEntry(graph, name, by string, build, above uint64) entry {
	return entry{graph: graph, name: name, build: build, visit: visit{make: by, above: above}}
}

// Two processes write and read one register, each from where it was.
func TestRegisterOfTwo(t *testing.T) {
	var top, below register
	defer top.close()
	place := top.open()
	if place == "" {
		t.Skip("no memory files here")
	}
	below.join(place)
	defer below.close()
	if !below.isAbove() || top.isAbove() {
		t.Fatal("which of the two keeps it is not known")
	}
	a, b := visitEntry("g", "./a.h", "make all", 7, 1<<42), visitEntry("g", "", "", 0, 0)
	c := visitEntry("other graph", "./c \n x", "make -C d", 1<<63, 3)
	steps := []struct {
		by   *register
		adds []entry
		from int64
		want []entry
	}{
		{&top, []entry{a, b}, 0, []entry{a, b}},
		{&below, []entry{c}, 0, []entry{a, b, c}},
		{&below, nil, 0, []entry{a, b, c}},
	}
	for i, s := range steps {
		if err := s.by.add(s.adds); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*register{&top, &below} {
			got, to, err := r.news(s.from)
			if err != nil || !reflect.DeepEqual(got, s.want) {
				t.Errorf("step %d: read %v, %v, want %v", i, got, err, s.want)
			}
			if more, _, _ := r.news(to); len(more) != 0 {
				t.Errorf("step %d: what was read came again: %v", i, more)
			}
		}
	}
}

// What is no register is not written to.
func TestRegisterOfNobody(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"", file, "/proc/self/fd/9999"} {
		var r register
		r.join(place)
		if r.isAbove() {
			t.Errorf("%q was taken for one", place)
		}
	}
}

func FuzzParseVisits(f *testing.F) {
	var r register
	defer r.close()
	if r.open() != "" {
		if err := r.add([]entry{visitEntry("g", "./a", "m", 1, 2), visitEntry("g", "b", "", 1<<63, 0)}); err != nil {
			f.Fatal(err)
		}
		data := make([]byte, 100)
		n, _ := r.file.ReadAt(data, 0)
		f.Add(data[:n])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		body, rest, whole := nextFrame(data)
		if !whole {
			return
		}
		if frameHead+len(body)+len(rest) != len(data) {
			t.Fatalf("%d bytes became %d and %d", len(data), len(body), len(rest))
		}
		_, _ = parseVisits(body)
	})
}
