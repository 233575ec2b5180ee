package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"fmake/cache/endpoint"
	"fmake/exec/flags"
)

// own are fmake's own options. They are long options that GNU make does not
// have; on the command line and in FMAKEFLAGS they look alike, and they travel to
// makes below in FMAKEFLAGS, never in MAKEFLAGS, because a real GNU make there
// must not see them.
type own struct {
	trace     string // auto, off, require
	cache     string // on, off, readonly
	cacheDir  string
	remote    []string // settings of the remote cache; never handed down, as they may be secrets
	system    string   // trace, fingerprint
	canonical string   // where the project is to be had; done before all else, see enter
	env       string   // auto, all
	reuse     string   // on, off, shells
	order     string   // auto, serial
	explain   []question
	json      bool // --explain and --verify answer programs
	hazards   bool
	manage    []string // what is to be done with the cache instead of making anything
	list      string   // targets, tasks: what is listed instead of making anything
	lint      string   // report, patch; "": not asked for
	verify    bool     // recipes run twice
	label     string   // the name of the label that what was made gets, "" for none
	pages     []page   // what is to be written when all have ended
	progress  bool     // a terminal shows how far the build is
	story     string   // what makes below tell, and where; "" if nobody asks
	wrong     []string // words that could not be read, for the error message
}

// shows tells whether something is to be seen or written besides what make does.
func (o *own) shows() bool {
	return len(o.explain)+len(o.pages)+len(o.list)+len(o.lint)+len(o.story)+len(o.label) > 0 || o.verify || o.progress
}

func newOwn() *own {
	return &own{trace: "auto", cache: "on", system: "trace", env: "auto", reuse: "on", order: "auto"}
}

// take reads one word. ok is false if it is none of fmake's options; used is how many
// of the words in rest belong to it: a value may be a word of its own.
func (o *own) take(word string, rest []string) (used int, ok bool) {
	if word == "--debug=hazards" {
		o.hazards = true
		return 0, true
	}
	name, value, hasValue := strings.Cut(word, "=")
	for _, opt := range ownOptions() {
		if opt.name != name {
			continue
		}
		if opt.flag && hasValue {
			o.wrong = append(o.wrong, fmt.Sprintf("option '%s' takes no value", name))
			return 0, true
		}
		if (opt.bare || opt.flag) && !hasValue {
			opt.set(o, "")
			return 0, true
		}
		if !hasValue && len(rest) > 0 {
			value, used = rest[0], 1
		}
		if value == "" || !allowed(opt.values, value) {
			o.wrong = append(o.wrong, wrongValue(opt, value))
			return used, true
		}
		opt.set(o, value)
		return used, true
	}
	return 0, false
}

// splitDebug takes "hazards", which is fmake's, out of lists of what --debug is to show.
func splitDebug(args []string) []string {
	out := make([]string, 0, len(args))
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		list, isDebug := strings.CutPrefix(arg, "--debug=")
		kinds := strings.Split(list, ",")
		if !isDebug || len(kinds) == 1 || !slices.Contains(kinds, "hazards") {
			out = append(out, arg)
			continue
		}
		rest := slices.DeleteFunc(kinds, func(kind string) bool { return kind == "hazards" })
		out = append(out, "--debug=hazards", "--debug="+strings.Join(rest, ","))
	}
	return out
}

// absolute makes a directory's name mean the same in makes that run elsewhere.
func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir // the working directory is gone, and make will say so
}

func allowed(values []string, v string) bool {
	if values == nil {
		return true
	}
	for _, x := range values {
		if x == v {
			return true
		}
	}
	return false
}

func wrongValue(opt ownOption, value string) string {
	if opt.values == nil {
		return fmt.Sprintf("option '%s' needs a value: %s=%s", opt.name, opt.name, cmp.Or(opt.arg, "VALUE"))
	}
	return fmt.Sprintf("option '%s=%s': the value must be one of %s", opt.name, value, strings.Join(opt.values, ", "))
}

// remoteSetting returns what enters a setting of the remote cache.
func remoteSetting(name string) func(o *own, value string) {
	return func(o *own, value string) { o.remote = append(o.remote, endpoint.Setting(name, value)) }
}

// takeVariable reads FMAKEFLAGS: options separated by white space.
func (o *own) takeVariable(value string) {
	words := strings.Fields(value)
	for i := 0; i < len(words); i++ {
		used, ok := o.take(words[i], words[i+1:])
		if !ok {
			o.wrong = append(o.wrong, unknownWord(words[i]))
		}
		i += used
	}
}

// unknownWord is the message for a word of FMAKEFLAGS that is none of fmake's options.
func unknownWord(word string) string {
	text := fmt.Sprintf("FMAKEFLAGS: unrecognized option '%s'", word)
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	if near := flags.Near(name, ownNames(), nil); near != "" {
		text += fmt.Sprintf("; did you mean '--%s'?", near)
	}
	return text
}

// words is what FMAKEFLAGS has to be for makes below: every option that differs
// from its default.
func (o *own) words() string {
	def := newOwn()
	var out []string
	add := func(name, is, was string) {
		if is != was {
			out = append(out, name+"="+is)
		}
	}
	add("--tracefs", o.trace, def.trace)
	add("--cache", o.cache, def.cache)
	add("--cache-dir", o.cacheDir, def.cacheDir)
	add("--system", o.system, def.system)
	add("--env", o.env, def.env)
	add("--reuse", o.reuse, def.reuse)
	add("--order", o.order, def.order)
	if o.hazards {
		out = append(out, "--debug=hazards")
	}
	add("--story", o.story, def.story)
	return strings.Join(out, " ")
}
