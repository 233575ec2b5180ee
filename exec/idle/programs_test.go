package idle

import (
	"strings"
	"testing"

	"fmake/cache"
	"fmake/tracefs"
)

func TestTells(t *testing.T) {
	for text, want := range map[string]bool{
		"cat version | cut -d' ' -f2": false, "test -f x && echo yes >/dev/null 2>&1": false, "set -e; export A=b; already": false,
		"echo $$": true, "echo ${RANDOM}": true, "while read l; do :; done <f": true, "cat /proc/cpuinfo": true, "head -c4 </dev/urandom": true,
		"[ a -nt b ]": true, "export": true, "set": true, "set; x": true, "printf '%(%s)T'": true, "[ -t 0 ]": true, "echo $MAKEFLAGS": true, "sleep 1 & echo $!": true,
	} {
		if tells(text) != want {
			t.Errorf("tells(%q) is %v", text, !want)
		}
	}
}

func TestNamed(t *testing.T) {
	known := knownPrograms()
	for path, want := range map[string]string{
		"/usr/bin/cat": "cat", "/usr/bin/x86_64-linux-gnu-gcc-12": "gcc", "/usr/bin/gcc-12.2": "gcc", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1": "cc1",
		"/usr/bin/aarch64-linux-gnu-ld.bfd": "ld.bfd", "/bin/which.debianutils": "which", "/usr/bin/python3.11": "", "/home/me/bin/cat": "", "cat": "",
	} {
		if got := named(known, path); got != known[want] {
			t.Errorf("%s is taken for another program than %q", path, want)
		}
	}
}

func TestJudgeProcess(t *testing.T) {
	for _, c := range []struct {
		command string
		input   bool
		want    cache.ShellKind
	}{
		{"/usr/bin/cat f", true, cache.ShellHolds},
		{"/usr/bin/cat", true, cache.ShellActs},
		{"/usr/bin/cat", false, cache.ShellHolds},
		{"/usr/bin/cat f -", true, cache.ShellActs},
		{"/usr/bin/head -n 1", true, cache.ShellActs}, // 1 is no file
		{"/usr/bin/head -1 f", true, cache.ShellHolds},
		{"/usr/bin/grep -q x", true, cache.ShellActs},
		{"/usr/bin/grep -q x f", true, cache.ShellHolds},
		{"/usr/bin/tr a b", true, cache.ShellActs},
		{"/usr/bin/tr a b", false, cache.ShellHolds},
		{"/usr/bin/gcc -E -", true, cache.ShellActs},
		{"/usr/bin/gcc -dumpversion", true, cache.ShellHolds},
		{"/usr/bin/ls -a d", false, cache.ShellHolds},
		{"/usr/bin/ls -al d", false, cache.ShellReads},
		{"/usr/bin/find . -newer x", false, cache.ShellReads},
		{"/usr/bin/sort -R f", false, cache.ShellReads},
		{"/usr/bin/mawk {print(systime())} f", false, cache.ShellReads},
		{"/usr/bin/hostname", false, cache.ShellHolds},
		{"/usr/bin/hostname -f", false, cache.ShellReads},
		{"/usr/bin/date", false, cache.ShellReads},
		{"/usr/bin/echo __TIME__", false, cache.ShellReads},
		{"/usr/bin/dash -c pwd", true, cache.ShellHolds},
		{"/usr/bin/dash -c times", false, cache.ShellActs},
		{"/usr/bin/python3.11 -c pass", false, cache.ShellActs},
		{"/usr/bin/", false, cache.ShellActs},
	} {
		words := strings.Fields(c.command)
		p := &tracefs.Proc{Exe: words[0], Argv: words}
		if got := judgeProcess(knownPrograms(), p, c.input); got != c.want {
			t.Errorf("%s, input %v: %d, want %d", c.command, c.input, got, c.want)
		}
	}
	if judgeProcess(knownPrograms(), &tracefs.Proc{Exe: "/usr/bin/cat", Argv: []string{"cat", "f"}, Unseen: true}, false) != cache.ShellActs {
		t.Error("a process that became something else unseen is held to be what it was")
	}
}
