package proto

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestFrameRoundTrip(t *testing.T) {
	var stream []byte
	want := []Frame{{ID: 1, Code: byte(Hello), Payload: []byte(Greeting)}, {ID: 1<<32 - 1, Payload: []byte{}}}
	for _, f := range want {
		var err error
		if stream, err = f.Append(stream); err != nil {
			t.Fatal(err)
		}
	}
	r := bytes.NewReader(stream)
	for _, f := range want {
		got, err := Read(r)
		if err != nil || got.ID != f.ID || got.Code != f.Code || !bytes.Equal(got.Payload, f.Payload) {
			t.Errorf("got %v %v, want %v", got, err, f)
		}
	}
	if _, err := Read(r); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if _, err := Read(bytes.NewReader(stream[:12])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %v", err)
	}
}

func TestFrameTooLarge(t *testing.T) {
	if _, err := (Frame{Payload: make([]byte, MaxFrame)}).Append(nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("append: %v", err)
	}
	if _, err := Read(bytes.NewReader(bytes.Repeat([]byte{0xff}, 9))); err == nil {
		t.Error("a frame of 4 GB was accepted")
	}
}

func FuzzRead(f *testing.F) {
	good, _ := Frame{ID: 7, Code: 3, Payload: AppendBytes(nil, []byte("x"))}.Append(nil)
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, err := fr.Append(nil)
		if err != nil || !bytes.HasPrefix(b, again) {
			t.Errorf("%v read from %q (%v)", fr, b, err)
		}
		if s, rest, ok := CutBytes(fr.Payload); ok && len(s)+len(rest) >= len(fr.Payload) {
			t.Error("longer than what it was cut from")
		}
	})
}
