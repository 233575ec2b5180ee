package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		args    string
		command string
		want    func(o *options) bool
		err     string
	}{
		{args: "gcc -c a.c", command: "gcc -c a.c"},
		{args: "--explain -- --odd x", command: "--odd x", want: func(o *options) bool { return o.explain }},
		{args: "- x", command: "- x"},
		{args: "--cache readonly --cache-dir=/c x --cache=off", command: "x --cache=off", want: func(o *options) bool { return o.cache == "readonly" && o.cacheDir == "/c" }},
		{args: "--stdin=hash --json --inputs x", command: "x", want: func(o *options) bool { return o.stdin == "hash" && o.json && o.inputs && o.reports() }},
		{args: "--cache-dir", err: "option '--cache-dir' needs a value: --cache-dir=DIR"},
		{args: "--cache-dir= x", err: "option '--cache-dir' needs a value: --cache-dir=DIR"},
		{args: "--tracefs=much x", err: "option '--tracefs=much': the value must be one of auto, off, require"},
		{args: "--explain=yes x", err: "option '--explain' takes no value"},
		{args: "--expl x", err: "unrecognized option '--expl'\nDid you mean '--explain'?"},
		{args: "--cahce=off x", err: "unrecognized option '--cahce=off'\nDid you mean '--cache'?"},
		{args: "--dry x", err: "unrecognized option '--dry'\nDid you mean '--dry-run'?"},
		{args: "--zzzz x", err: "unrecognized option '--zzzz'"},
		{args: "-n x", err: "unrecognized option '-n'"},
	} {
		o := newOptions()
		command, err := o.parse(strings.Fields(c.args))
		switch {
		case c.err != "":
			if err == nil || err.Error() != c.err {
				t.Errorf("%q: error %v, want %s", c.args, err, c.err)
			}
		case err != nil:
			t.Errorf("%q: %v", c.args, err)
		case !slices.Equal(command, strings.Fields(c.command)):
			t.Errorf("%q: command %q", c.args, command)
		case c.want != nil && !c.want(o):
			t.Errorf("%q: options %+v", c.args, *o)
		}
	}
}

// TestInherit: of what fmake hands down only what concerns both is for frun.
func TestInherit(t *testing.T) {
	o := newOptions()
	if err := o.inherit("--order=serial --cache=readonly --lint --explain=x --tracefs off"); err != nil {
		t.Fatal(err)
	}
	if o.cache != "readonly" || o.trace != "off" || o.explain {
		t.Errorf("%+v", *o)
	}
	if err := o.inherit("--cache=much"); err == nil || !strings.HasPrefix(err.Error(), "FMAKEFLAGS: ") {
		t.Errorf("error %v", err)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		args string
		ok   bool
	}{
		{"--inputs --outputs --json x", true},
		{"--explain x", true},
		{"--json x", false},
		{"--explain --dry-run x", false},
		{"--inputs --explain x", false},
		{"--inputs --tracefs=off x", false},
	} {
		o := newOptions()
		if _, err := o.parse(strings.Fields(c.args)); err != nil {
			t.Fatal(err)
		}
		if err := o.check(); (err == nil) != c.ok {
			t.Errorf("%q: %v", c.args, err)
		}
	}
}

// TestManualPage: it knows all options, those of the remote cache by what they begin with,
// and all commands about labels.
func TestManualPage(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "share", "man", "man1", "frun.1"))
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(string(data), `\-`, "-")
	for _, o := range table() {
		if name := o.name; !strings.HasPrefix(name, "--remote-") && name != "--help" && name != "--version" && !strings.Contains(page, name) {
			t.Errorf("it does not know %s", name)
		}
	}
	for _, c := range labelCommands() {
		if !strings.Contains(page, `\fB`+c.name+`\fR`) {
			t.Errorf("it does not know frun label %s", c.name)
		}
	}
}
