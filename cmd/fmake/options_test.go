package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryOptionIsDocumented: the manual page, the README and the completions know all
// options that people use.
func TestEveryOptionIsDocumented(t *testing.T) {
	share := filepath.Join("..", "..", "share")
	files := map[string]func(option string) string{
		filepath.Join("..", "..", "README.md"):                          func(o string) string { return o },
		filepath.Join(share, "man", "man1", "fmake.1"):                  func(o string) string { return strings.ReplaceAll(o, "-", `\-`) },
		filepath.Join(share, "bash-completion", "completions", "fmake"): func(o string) string { return o },
		filepath.Join(share, "zsh", "site-functions", "_fmake"):         func(o string) string { return o },
		filepath.Join(share, "fish", "vendor_completions.d", "fmake.fish"): func(o string) string {
			return "-l " + strings.TrimPrefix(o, "--") + " "
		},
	}
	for name, spelled := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range ownOptions() {
			if o.help != "" && !strings.Contains(string(text), spelled(o.name)) {
				t.Errorf("%s does not know %s", name, o.name)
			}
		}
	}
}

func TestHelpIsNoWiderThanATerminal(t *testing.T) {
	for line := range strings.Lines(help()) {
		if len(line) > helpWidth+1 {
			t.Errorf("%q is too wide", line)
		}
	}
}

// TestCompletionOfBash plays words to bash as its readline does.
func TestCompletionOfBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	dir := t.TempDir()
	fake := filepath.Join(dir, "fmake") // says what it was asked, and lists targets
	script := "#!/bin/sh\necho \"$@\" >>" + dir + "/asked\nprintf 'all\\nclean\\ncheck\\n'\n"
	if err := os.WriteFile(fake, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	completion, err := filepath.Abs("../../share/bash-completion/completions/fmake")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ words, want string }{
		{"c", "clean check"},
		{"-C sub a", "all"},
		{"--expl", "--explain= --explain-miss="},
		{"--explain = c", "clean check"},
		{"--lint =", "report patch"},
		{"--tracefs = o", "off"},
		{"--keep", "--keep-going"},
	}
	for _, tt := range tests {
		play := "complete() { :; }; compopt() { :; }; . " + completion + "; COMP_WORDS=(" + fake + " " + tt.words + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _fmake; echo \"${COMPREPLY[@]}\""
		out, err := exec.Command(bash, "-c", play).Output()
		if err != nil || strings.TrimSpace(string(out)) != tt.want {
			t.Errorf("%q: got %q, want %q (%v)", tt.words, out, tt.want, err)
		}
	}
	asked, err := os.ReadFile(filepath.Join(dir, "asked"))
	if err != nil || !strings.Contains(string(asked), "-C sub --tracefs=off --print-targets\n") {
		t.Errorf("asked %q (%v)", asked, err)
	}
}

func TestHazardsAmongWhatDebugShows(t *testing.T) {
	for in, want := range map[string]string{
		"--debug=hazards":              "--debug=hazards",
		"--debug=hazards,basic":        "--debug=hazards --debug=basic",
		"--debug=v,hazards,jobs all":   "--debug=hazards --debug=v,jobs all",
		"--debug=basic -- --debug=a,b": "--debug=basic -- --debug=a,b",
		"all -- --debug=hazards,basic": "all -- --debug=hazards,basic",
	} {
		if got := strings.Join(splitDebug(strings.Fields(in)), " "); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
