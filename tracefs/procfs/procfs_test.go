package procfs

import (
	"os"
	"slices"
	"testing"
)

func TestParseStat(t *testing.T) {
	line := "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 100 200"
	tests := []struct {
		line string
		want Stat
		ok   bool
	}{
		{line, Stat{State: 'S', Parent: 7, Group: 42, Session: 42, Start: 12345}, true},
		{"42 (a", Stat{}, false},
		{"42 (a) S 7", Stat{}, false},
		{"", Stat{}, false},
	}
	for _, tt := range tests {
		got, err := parseStat([]byte(tt.line))
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: %+v, %v", tt.line, got, err)
		}
	}
}

func TestParseSyscall(t *testing.T) {
	number, args, ok := parseSyscall([]byte("257 0xffffff9c 0x55d0 0x241 0x1b6 0x0 0x0 0x7ffe 0x7f01\n"))
	if !ok || number != 257 || args[2] != 0x241 {
		t.Errorf("%d %x %v", number, args, ok)
	}
	for _, line := range []string{"", "running\n", "-1 0x7ffe 0x7f01\n", "257 x 0 0 0 0 0"} {
		if _, _, ok := parseSyscall([]byte(line)); ok {
			t.Errorf("%q is a system call", line)
		}
	}
}

func TestSelf(t *testing.T) {
	pid := os.Getpid()
	if g, err := Group(pid); err != nil || g != pid {
		t.Errorf("group %d, %v", g, err)
	}
	st, err := ReadStat(pid)
	if err != nil || st.Parent != os.Getppid() {
		t.Errorf("%+v, %v", st, err)
	}
	if args, err := Cmdline(pid); err != nil || !slices.Equal(args, os.Args) {
		t.Errorf("%q, %v", args, err)
	}
	dev, err := RootDevice(pid)
	if err != nil || !slices.Contains(Inside(map[uint64]bool{dev: true}), pid) {
		t.Errorf("not inside its own root directory: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 100 200"))
	f.Add([]byte("257 0xffffff9c 0x55d0 0x241 0x1b6 0x0 0x0 0x7ffe 0x7f01"))
	f.Fuzz(func(_ *testing.T, line []byte) {
		_, _ = parseStat(line)
		_, _, _ = parseSyscall(line)
	})
}
