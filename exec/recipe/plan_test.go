package recipe

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// forShell is the line with the default shell, unless it has another.
func forShell(l Line) Line {
	if l.Shell == "" {
		l.Shell = defaultShell
	}
	return l
}

func TestMakePlan(t *testing.T) {
	sh := func(argv ...string) Plan { return Plan{Road: Shell, Argv: argv} }
	direct := func(argv ...string) Plan { return Plan{Road: Direct, Argv: argv} }
	viaShell := func(text string) Plan { return sh("/bin/sh", "-c", text) }
	tests := []struct {
		line Line
		want Plan
	}{
		{Line{Text: ""}, Plan{}},
		{Line{Text: " \t\n"}, Plan{}},
		{Line{Text: "\\\n"}, Plan{}},
		{Line{Text: ":"}, Plan{Road: Noop, Argv: []string{"/bin/sh", "-c", ":"}}},
		{Line{Text: ": "}, viaShell(": ")},
		{Line{Text: ":", Shell: "/bin/bash"}, Plan{Road: Noop, Argv: []string{"/bin/bash", "-c", ":"}}},
		{Line{Text: ":", Shell: "/bin/csh"}, sh("/bin/csh", "-c", ":")},
		{Line{Text: "true"}, direct("true")},
		{Line{Text: "  cc -c\ta.c  "}, direct("cc", "-c", "a.c")},
		{Line{Text: "cc -DX=1 a.c"}, direct("cc", "-DX=1", "a.c")},
		{Line{Text: "X=1 cc a.c"}, viaShell("X=1 cc a.c")},
		{Line{Text: "./a=b"}, viaShell("./a=b")},
		{Line{Text: "echo 'a b' c'd'e ''"}, direct("echo", "a b", "cde", "")},
		{Line{Text: "echo '*$x\"'"}, direct("echo", "*$x\"")},
		{Line{Text: `echo "a b"`}, viaShell(`echo "a b"`)},
		{Line{Text: `echo a\ b \* \\ x\`}, direct("echo", "a b", "*", `\`, "x")},
		{Line{Text: "echo 'a"}, viaShell("echo 'a")},
		{Line{Text: "echo a \\\n   b"}, direct("echo", "a", "b")},
		{Line{Text: "echo a\\\nb"}, direct("echo", "ab")},
		{Line{Text: "echo 'a\\\nb'"}, direct("echo", "a\\\nb")},
		{Line{Text: "cd x"}, viaShell("cd x")},
		{Line{Text: "cd"}, viaShell("cd")},
		{Line{Text: "'cd' x"}, viaShell("'cd' x")},
		{Line{Text: "test -f x"}, viaShell("test -f x")},
		{Line{Text: "pwd"}, direct("pwd")},
		{Line{Text: "kill 1"}, direct("kill", "1")},
		{Line{Text: "if"}, viaShell("if")},
		{Line{Text: "then"}, direct("then")},
		{Line{Text: "a; b"}, viaShell("a; b")},
		{Line{Text: "a ~"}, viaShell("a ~")},
		{Line{Text: "a !"}, viaShell("a !")},
		{Line{Text: "a # b"}, viaShell("a # b")},
		{Line{Text: "true", IFS: " \t"}, direct("true")},
		{Line{Text: "true", IFS: ":"}, viaShell("true")},
		{Line{Text: "true", Posix: true}, direct("true")},
		{Line{Text: "true;", Posix: true}, sh("/bin/sh", "-ec", "true;")},
		{Line{Text: "true;", Posix: true, NoError: true}, viaShell("true;")},
		{Line{Text: "true", Flags: "-e -c", FlagsSet: true}, sh("/bin/sh", "-e", "-c", "true")},
		{Line{Text: "true", Flags: "-ec", FlagsSet: true}, direct("true")},
		{Line{Text: "true", Flags: "", FlagsSet: true}, sh("/bin/sh", "true")},
		{Line{Text: "true", Shell: "/bin/bash"}, sh("/bin/bash", "-c", "true")},
		{Line{Text: "a b", Shell: "/usr/bin/env bash -Eeuo pipefail"}, sh("/usr/bin/env", "bash", "-Eeuo", "pipefail", "-c", "a b")},
		{Line{Text: "a b", Shell: "my' 'sh"}, sh("my sh", "-c", "a b")},
		{Line{Text: "a 'b'", Shell: "X=1 sh"}, viaShell(`X=1 sh -c a\ \'b\'`)},
		{Line{Text: "a\nb", OneShell: true}, viaShell("a\nb")},
		{Line{Text: "a\n  @b\\\n +c\n-d", OneShell: true}, viaShell("a\nb\\\n +c\nd")},
		{Line{Text: "a\n@b", OneShell: true, Shell: "/usr/bin/perl", Flags: "-w -e", FlagsSet: true}, sh("/usr/bin/perl", "-w", "-e", "a\n@b")},
		{Line{Text: "a b", OneShell: true}, direct("a", "b")},
	}
	for _, tt := range tests {
		got, err := MakePlan(forShell(tt.line))
		if err != nil || got.Road != tt.want.Road || !slices.Equal(got.Argv, tt.want.Argv) {
			t.Errorf("%+v\ngot  %v %q %v\nwant %v %q", tt.line, got.Road, got.Argv, err, tt.want.Road, tt.want.Argv)
		}
	}
}

func TestPlanInterp(t *testing.T) {
	for _, tt := range []struct {
		line Line
		want Road
	}{
		{Line{Text: "a && b", Dash: true}, Interp},
		{Line{Text: "a && b"}, Shell},
		{Line{Text: "a && b &", Dash: true}, Shell},
		{Line{Text: "a && b", Dash: true, Posix: true}, Shell},
		{Line{Text: "a && b", Dash: true, Shell: "/bin/bash"}, Shell},
		{Line{Text: "a && b", Dash: true, Flags: "-ec", FlagsSet: true}, Shell},
		{Line{Text: "a && b\nc", Dash: true, OneShell: true}, Interp},
		{Line{Text: "true", Dash: true}, Direct},
	} {
		got, err := MakePlan(forShell(tt.line))
		if err != nil || got.Road != tt.want {
			t.Errorf("%+v: %v, %v; want %v", tt.line, got.Road, err, tt.want)
		}
		if (got.Script != nil) != (got.Road == Interp) || len(got.Argv) == 0 {
			t.Errorf("%+v: incomplete plan %+v", tt.line, got)
		}
	}
}

// TestPlanAgainstMake asks a real GNU make, if FMAKE_REFMAKE names one, what
// it executes.
func TestPlanAgainstMake(t *testing.T) {
	ref := os.Getenv("FMAKE_REFMAKE")
	if ref == "" {
		t.Skip("FMAKE_REFMAKE names no GNU make")
	}
	show := filepath.Join(t.TempDir(), "show")
	must(t, os.WriteFile(show, []byte("#!/bin/sh\nfor i; do printf '<%s>' \"$i\"; done\n"), 0o755))
	for _, text := range []string{
		"a b", "'a' \\\n  b", "a\\ b c", "'a b' ''", "'' x", "a=b", "x a=b", `\\ \a`, "'a\\\nb' c\\\nd", "a  b ",
	} {
		for _, shell := range []string{"/bin/sh", show, show + " -x", show + " 'q r'", show + " a=b"} {
			want := runMake(t, ref, shell, show+" "+text)
			p, err := MakePlan(Line{Text: show + " " + text, Shell: shell})
			must(t, err)
			out, err := exec.Command(p.Argv[0], p.Argv[1:]...).Output()
			if err != nil || string(out) != want {
				t.Errorf("%q %q: make %q, plan %v %q gives %q, %v", shell, text, want, p.Road, p.Argv, out, err)
			}
		}
	}
}

func runMake(t *testing.T, make, shell, text string) string {
	dir := t.TempDir()
	text = strings.ReplaceAll(text, "$", "$$")
	must(t, os.WriteFile(filepath.Join(dir, "Makefile"), []byte("SHELL = "+shell+"\nall:\n\t@"+text+"\n"), 0o644))
	c := exec.Command(make, "-C", dir, "--no-print-directory")
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return string(out)
}

func FuzzMakePlan(f *testing.F) {
	for _, c := range readCases(f, "testdata/cases.txt") {
		f.Add(c.script, "", false)
	}
	f.Add("a 'b' \\\n c", "/usr/bin/env bash -e", true)
	f.Add("((((", "/bin/sh", false)
	f.Fuzz(func(t *testing.T, text, shell string, oneShell bool) {
		p, err := MakePlan(Line{Text: text, Shell: shell, OneShell: oneShell, Dash: true})
		if err != nil {
			t.Fatal(err)
		}
		if p.Road != Empty && len(p.Argv) == 0 {
			t.Errorf("%v without a command", p.Road)
		}
	})
}

func BenchmarkScripts(b *testing.B) {
	needDash(b)
	for _, script := range []string{":; true", "test -d sub && echo yes", "echo x > f"} {
		s, err := Parse(script)
		must(b, err)
		for _, how := range []string{"interp", "parse+interp", "dash"} {
			b.Run(strings.ReplaceAll(script, " ", "_")+"/"+how, func(b *testing.B) {
				dir := scratch(b, b.TempDir())
				std, finish := capture(b)
				defer finish()
				env := testEnv(dir)
				for b.Loop() {
					switch how {
					case "dash":
						c := exec.Command("/bin/sh", "-c", script)
						c.Dir, c.Env, c.Stdout, c.Stderr = dir, env, std.Out, std.Err
						must(b, c.Run())
						continue
					case "parse+interp":
						s, err = Parse(script)
						must(b, err)
					}
					ws, err := RunScript(b.Context(), s, std, env, dir, hostView{})
					if err != nil || ws != 0 {
						b.Fatal(ws, err)
					}
				}
			})
		}
	}
}
