package tracefs

import (
	"reflect"
	"testing"

	"fmake/tracefs/wire"
)

func sampleRecord() *Record {
	st := Stat{Dev: 1, Ino: 1 << 40, Mode: 0o100644, UID: 1, GID: 2, Nlink: 1, Size: 5, Mtime: -1, Ctime: 1 << 60}
	return &Record{
		Looks: []Look{
			{Path: "/p/a", Flags: LookExists | LookContent, Stat: st, Proc: -1},
			{Path: "/p", Flags: LookListing, Names: []string{"a", "b"}},
			{Path: "/p/l", Flags: LookLink, Link: "a"},
		},
		Writes:  []Write{{Path: "/p/o", Before: Before{Exists: true, Stat: st, Link: "x", Saved: "/c/1"}, Append: true, Truncated: true, After: st}},
		Procs:   []Proc{{Pid: 3, Start: 4, Parent: -1, Argv: []string{"cc", ""}, Dir: "/p", Exe: "/bin/cc", Env: []string{"A=b"}, Reads: []string{"/p/a"}, Writes: []string{"/p/o"}}},
		Sockets: []string{"/s"}, Setuid: []string{"/bin/su"}, Meddled: []string{"/p/a"}, Contended: []Contention{{Path: "/p/o", By: "t", Existed: true}}, Leftover: true,
	}
}

func TestRecordCodec(t *testing.T) {
	want := sampleRecord()
	var got Record
	if err := wire.Decode(wire.Encode(want), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&got, want) {
		t.Errorf("got %+v", got)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(wire.Encode(sampleRecord()))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r, again Record
		if wire.Decode(body, &r) != nil {
			return
		}
		if err := wire.Decode(wire.Encode(&r), &again); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%+v becomes %+v, %v", r, again, err)
		}
	})
}

func TestJournalCutOff(t *testing.T) {
	data := AppendJournalHead(nil, &Journal{ID: "t", Serial: 9})
	whole := []int{len(data)}
	for _, w := range sampleRecord().Writes {
		w.Proc, w.Append, w.Truncated = -1, false, false
		data = AppendJournalWrite(data, &w)
		whole = append(whole, len(data))
	}
	for cut := range len(data) + 1 {
		j := parseJournal(data[:cut])
		writes := 0
		for _, end := range whole[1:] {
			if cut >= end {
				writes++
			}
		}
		if len(j.Writes) != writes || cut >= whole[0] && j.ID != "t" {
			t.Errorf("cut at %d: %+v", cut, j)
		}
	}
}

func FuzzJournal(f *testing.F) {
	f.Add(AppendJournalWrite(AppendJournalHead(nil, &Journal{ID: "t"}), &Write{Path: "/p"}))
	f.Fuzz(func(_ *testing.T, data []byte) { parseJournal(data) })
}
