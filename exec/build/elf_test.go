package build

import (
	"bytes"
	"debug/elf"
	"os"
	"testing"
)

// What elfSections says of this very program is what the standard library says.
func TestELFSections(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := elf.NewFile(f)
	if err != nil {
		t.Fatal(err)
	}
	got, err := elfSections(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want.Sections) {
		t.Fatalf("%d sections, want %d", len(got), len(want.Sections))
	}
	for i, w := range want.Sections {
		is := got[i]
		if is.name != w.Name || is.kind != uint32(w.Type) || is.flags != uint64(w.Flags) || is.offset != w.Offset || is.size != w.FileSize {
			t.Errorf("section %d is %+v, want %+v", i, is, w.SectionHeader)
		}
	}
}

// Damage is an error, never a panic.
func TestELFDamaged(t *testing.T) {
	name, _ := os.Executable()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := range 64 {
		for _, b := range []byte{0, 1, 0x7f, 0xff} {
			damaged := append([]byte(nil), data[:4096]...)
			damaged[at] = b
			_, _ = elfSections(bytes.NewReader(damaged))
		}
	}
	if _, err := elfSections(bytes.NewReader([]byte("#!/bin/sh\n"))); err == nil {
		t.Error("a script is no program")
	}
}
