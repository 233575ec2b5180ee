package plan

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func sample() *Plan {
	return &Plan{
		Label: "app", Program: "/opt/app", Real: "/opt/.app.unlabelled", Tree: "/var/lib/x",
		Tops: []Top{{"/usr/lib/a.so", Link}, {"/usr/lib/new", Absent}, {"/usr/share/a", Folder}},
	}
}

func read(t testing.TB, data []byte) (*Plan, error) {
	file := filepath.Join(t.TempDir(), "wrapper")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(file)
}

func TestPlan(t *testing.T) {
	p := sample()
	data := p.Append([]byte("program"))
	if got, err := read(t, data); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%v\n%+v\n%+v", err, got, p)
	}
	for n := range data {
		if _, err := read(t, data[:n]); !errors.Is(err, ErrNone) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	long := bytes.Clone(data)
	long[len(long)-tailLen+6] = 1
	if _, err := read(t, long); !errors.Is(err, ErrNone) {
		t.Errorf("longer than the file: %v", err)
	}
}

func FuzzPlan(f *testing.F) {
	data := sample().Append(nil)
	f.Add(data[:len(data)-tailLen])
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := decode(body)
		if err != nil {
			return
		}
		if got, err := read(t, p.Append(nil)); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%v\n%+v\n%+v", err, got, p)
		}
	})
}
