package away

import (
	"reflect"
	"testing"
)

func TestJob(t *testing.T) {
	for _, want := range []*Job{
		{},
		{Hash: []string{"/bin/sh", ""}},
		{Root: "/r", SystemHash: "s", Dir: "a/b", Lines: []Line{{"echo", []string{"sh", "-c", "x\ny"}}, {}, {Argv: []string{""}}}, Umask: 0o22, Above: []string{"o/p"}, Found: []string{"o"}, Files: []File{{"a", 0o600}}},
	} {
		got, err := DecodeJob(want.Encode())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
}

func TestReport(t *testing.T) {
	want := &Report{
		Job: "j", Odd: "odd", Holds: true, Status: 2, Took: 7, Hashes: []string{"h"},
		Looks:  []Look{{"./a", Content | Absent, "hash"}, {"/b", Listed, ""}},
		Left:   []Left{{"./c", 0o100000, 0o644, 1 << 40, "hash", ""}, {Path: "./l", Type: 0o120000, Link: "c"}},
		Procs:  []Proc{{-1, []string{"sh"}, "."}, {0, nil, "/"}},
		Chunks: []Chunk{{3, "line\n"}, {2, "\x00\xff"}},
	}
	text := want.Encode()
	got, err := DecodeReport(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for i := range text { // another machine may send anything
		if _, err := DecodeReport(text[:i]); err == nil {
			t.Errorf("the first %d bytes are a report", i)
		}
	}
	if _, err := DecodeReport(text + "x"); err == nil {
		t.Error("with a byte more it is a report")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add((&Report{Looks: []Look{{Path: "."}}}).Encode())
	f.Add((&Job{Lines: []Line{{Echo: "x"}}}).Encode())
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = DecodeReport(text)
		_, _ = DecodeJob(text)
	})
}
