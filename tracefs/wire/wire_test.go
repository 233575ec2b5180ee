package wire

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func samples() []Message {
	return []Message{
		&Hello{CacheDir: "/c", Project: "/p", System: "trace", Native: []string{"/a", ""}, StoreArgs: []string{"x"}, Log: "l"},
		&Welcome{Name: "n", Passthrough: true, Journals: "/c/pre/7"},
		&NewView{ID: "i", Serial: 1 << 60, Dir: "/d", Hidden: []string{"/d/o"}, Reverse: true},
		&Ref{View: 7},
		&ReplaceTail{Path: "/d/log", Mode: 0o644, At: 12, Data: "line\n"},
		&Hide{View: 7, Paths: []string{"/d/o"}},
		&Listed{View: 7, Path: "/d", Names: []string{"a", "o"}},
		&PathQuery{View: 7, Path: "/d/o", Flags: 0x80000, Mode: 0o644},
		&LookPath{View: 7, Name: "cc", List: "/bin:", Dir: "/d"},
		&Text{S: "t"},
		&Texts{S: []string{"t", "u"}},
		&Setup{Native: []string{"/proc"}, System: []string{"/usr"}},
		&MountView{View: 7},
		&Mounted{Root: "/mnt/7"},
		&Release{View: 7, Kill: true},
		&Released{Leftover: true},
		&Start{View: 7, Path: "/bin/sh", Args: []string{"sh"}, Env: []string{"A=b"}, Dir: "/d", Umask: 0o22, FDs: []int32{0, 1, 2, 9}},
		&Started{Pid: 12},
		&Signal{Pid: 12, Sig: 2},
		&BeginPart{View: 7, Check: true, Pid: 12, Files: []string{"/d/o"}},
		&EndPart{View: 7, Pid: 12},
		&Shells{View: 7, On: true, Program: "/bin/stub", Plain: []string{"ls"}},
		&Told{Device: 1 << 40},
		&Program{Path: "./cc", Args: []string{"cc"}, Env: []string{"A=b"}, Dir: "/d", Umask: 0o22, Ignored: 6, Limits: "x", FDs: []int32{0, 2}, Others: []string{"3 /d/o"}},
		&Verdict{Do: EndProgram, Status: 256, FDs: []int32{1}},
		&ProgramEnded{Status: 9, Leftover: true, Failed: true, Usage: []byte{1}},
		&Exited{Pid: 12, Status: 256, Usage: []byte{1, 2}},
	}
}

func TestMessages(t *testing.T) {
	for _, m := range samples() {
		got := reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
		if err := Decode(Encode(m), got); err != nil {
			t.Errorf("%T: %v", m, err)
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("%T: got %+v, want %+v", m, got, m)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range samples() {
		f.Add(Encode(m))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, m := range samples() {
			got := reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
			if Decode(body, got) != nil {
				continue
			}
			again := reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
			if err := Decode(Encode(got), again); err != nil || !reflect.DeepEqual(got, again) {
				t.Errorf("%T: %+v becomes %+v, %v", m, got, again, err)
			}
		}
	})
}

// peers returns two connected peers; the second one answers with h.
func peers(t *testing.T, h Handler) (*Peer, *Peer) {
	t.Helper()
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	x, err := NewPeer(a, func(r *Request) { r.Fail(unix.ENOSYS) })
	if err != nil {
		t.Fatal(err)
	}
	y, err := NewPeer(b, h)
	if err != nil {
		t.Fatal(err)
	}
	go x.Serve()
	go y.Serve()
	t.Cleanup(func() {
		x.Close()
		y.Close()
	})
	return x, y
}

func TestCall(t *testing.T) {
	x, _ := peers(t, func(r *Request) {
		defer CloseFiles(r.Files)
		var m Text
		if err := r.Decode(&m); err != nil {
			r.Fail(err)
			return
		}
		if m.S == "fail" {
			r.Fail(&os.PathError{Op: "open", Path: "/x", Err: unix.EACCES})
			return
		}
		r.Reply(&Text{S: m.S + "!"}, r.Files...)
	})
	big := string(make([]byte, 3<<20)) // more than a socket holds
	for _, s := range []string{"hello", "", big} {
		null, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		var got Text
		files, err := x.Call(OpStat, &Text{S: s}, &got, null, null)
		null.Close()
		if err != nil || got.S != s+"!" || len(files) != 2 {
			t.Errorf("%d bytes, %d files, %v", len(got.S), len(files), err)
		}
		CloseFiles(files)
	}
	if _, err := x.Call(OpStat, &Text{S: "fail"}, nil); !errors.Is(err, unix.EACCES) {
		t.Errorf("error %v", err)
	}
}

func TestGone(t *testing.T) {
	x, y := peers(t, func(*Request) {})
	go y.Close()
	if _, err := x.Call(OpStat, &Text{}, nil); !errors.Is(err, ErrGone) {
		t.Errorf("error %v", err)
	}
	<-x.Done()
	if _, err := x.Call(OpStat, &Text{}, nil); !errors.Is(err, ErrGone) {
		t.Errorf("error %v", err)
	}
	if err := x.Close(); err != nil {
		t.Errorf("closing what the other end has closed: %v", err)
	}
}

// TestUnsent: what cannot be sent because of its descriptors is an error for who sends it,
// and for who waits for it, and the connection goes on.
func TestUnsent(t *testing.T) {
	closed, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	x, _ := peers(t, func(r *Request) {
		CloseFiles(r.Files)
		if r.Op == OpOpen {
			r.Reply(nil, closed)
			return
		}
		r.Reply(nil)
	})
	if _, err := x.Call(OpStat, &Text{}, nil, closed); err == nil || errors.Is(err, ErrGone) {
		t.Errorf("asking with a descriptor that cannot be sent: %v", err)
	}
	if _, err := x.Call(OpOpen, &Text{}, nil); err == nil || errors.Is(err, ErrGone) {
		t.Errorf("the answer has a descriptor that cannot be sent: %v", err)
	}
	if _, err := x.Call(OpStat, &Text{}, nil, slices.Repeat([]*os.File{closed}, maxFiles+1)...); err == nil || errors.Is(err, ErrGone) {
		t.Errorf("too many descriptors: %v", err)
	}
	if _, err := x.Call(OpStat, &Text{}, nil); err != nil {
		t.Errorf("the connection does not go on: %v", err)
	}
}
