package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"fmake/cache/endpoint"
	"fmake/exec/build"
	"fmake/exec/flags"
)

// options are what the command line says, before the command.
type options struct {
	trace     string // auto, off, require
	cache     string // on, off, readonly
	cacheDir  string
	canonical string   // where the project is to be had
	remote    []string // settings of the remote cache
	root      string
	system    string // trace, fingerprint
	env       string // auto, all
	stdin     string // auto, hash, none, pass

	labels string // which, by commas; "all"; "" for none
	strict bool

	failures, noCache, dryRun      bool
	explain, inputs, outputs, json bool
	help, version                  bool
	plain                          bool // "--" stands before the command, so that it is one, whatever it is called
}

// option is one option: its name with the dashes, and what it takes.
type option struct {
	name   string
	arg    string   // how the help calls the value; "" if there is none
	values []string // those that it may have, nil for any
	set    func(o *options, value string)
	other  string // the value if none is given, "" if one must be
	shared bool   // fmake has it, too, and hands it down in FMAKEFLAGS
	help   string
}

func newOptions() *options {
	return &options{trace: "auto", cache: "on", system: "trace", env: "auto", stdin: "auto"}
}

// table lists all options in the order of the help.
func table() []option {
	return []option{
		{name: "--explain", set: func(o *options, _ string) { o.explain = true }, help: "Say what would be done and why, and what the command's last run read, wrote and started. Nothing runs."},
		{name: "--dry-run", set: func(o *options, _ string) { o.dryRun = true }, help: "Say what would be done and why, in one line. Nothing runs."},
		{name: "--inputs", set: func(o *options, _ string) { o.inputs = true }, help: "Print what the command's last run read or looked for, a line for each path. Nothing runs."},
		{name: "--outputs", set: func(o *options, _ string) { o.outputs = true }, help: "Print what the command's last run wrote or removed. Nothing runs."},
		{name: "--json", set: func(o *options, _ string) { o.json = true }, help: "With --inputs or --outputs: print it as one JSON object, with hashes and modes."},
		{name: "--no-cache", set: func(o *options, _ string) { o.noCache = true }, help: "Run the command whatever is known of it, and keep no result in the cache."},
		{name: "--cache-failures", set: func(o *options, _ string) { o.failures = true }, help: "Keep and reuse the result also if the command fails. One that a signal ended is never kept."},
		{name: "--stdin", arg: "WHAT", values: []string{"auto", "hash", "none", "pass"}, set: func(o *options, v string) { o.stdin = v }, help: "What becomes of the standard input; see below."},
		{name: "--cache", arg: "WHICH", values: []string{"on", "off", "readonly"}, set: func(o *options, v string) { o.cache = v }, shared: true, help: "Take results from the cache and store new ones (on), neither (off), or only take them (readonly)."},
		{name: "--cache-dir", arg: "DIR", set: func(o *options, v string) { o.cacheDir = absolute(v) }, shared: true, help: "Where the cache is; else FMAKE_CACHE_DIR, else $XDG_CACHE_HOME/fmake, else ~/.cache/fmake. It is fmake's."},
		{name: "--canonical-root", arg: "DIR", set: func(o *options, v string) { o.canonical = absolute(v) }, help: "Show the project there to the command, so that results are the same wherever it is."},
		{name: "--remote-cache", arg: "URL", set: remoteSetting(endpoint.Cache), shared: true, help: "Take results from this server, and give it new ones: grpc://HOST:PORT/INSTANCE or grpcs://...; \"off\" for none."},
		{name: "--remote-cache-mode", arg: "HOW", values: []string{"readwrite", "read", "write"}, set: remoteSetting(endpoint.Mode), shared: true, help: "Take and give results (readwrite), or only one of both."},
		{name: "--remote-wait", arg: "SECONDS", set: remoteSetting(endpoint.Wait), shared: true, help: "How long to wait at the end for a result that is on its way there, 2.5 by default."},
		{name: "--remote-token-file", arg: "FILE", set: remoteSetting(endpoint.TokenFile), shared: true, help: "What lets us in there is in this file."},
		{name: "--remote-ca", arg: "FILE", set: remoteSetting(endpoint.CA), shared: true, help: "Who the server has to be certified by."},
		{name: "--remote-cert", arg: "FILE", set: remoteSetting(endpoint.Cert), shared: true, help: "The certificate by which it knows us."},
		{name: "--remote-key", arg: "FILE", set: remoteSetting(endpoint.Key), shared: true, help: "The key of that certificate."},
		{name: "--root", arg: "DIR", set: func(o *options, v string) { o.root = absolute(v) }, help: "The project's folder; else the nearest one above that has .git, .hg or .svn, else the working directory. What a command writes outside is never put back."},
		{name: "--tracefs", arg: "WHEN", values: []string{"auto", "off", "require"}, set: func(o *options, v string) { o.trace = v }, shared: true, help: "Where FUSE cannot be used, say so in one line and run the command (auto), or fail (require). Just run it in any case (off)."},
		{name: "--system", arg: "HOW", values: []string{"trace", "fingerprint"}, set: func(o *options, v string) { o.system = v }, shared: true, help: "Record each file of /usr, /lib, /etc, /opt that was opened (trace), or take these as a whole, by their packages."},
		{name: "--env", arg: "WHICH", values: []string{"auto", "all"}, set: func(o *options, v string) { o.env = v }, shared: true, help: "Environment variables that count: those that the command's words or a file that it reads name, and those of compilers and locales (auto); or all."},
		{name: "--labels", arg: "NAMES", other: "all", set: func(o *options, v string) { o.labels = v }, help: "Run the command in a view in which processes of labelled applications find the libraries of their labels: all labels, or those named, separated by commas. Nothing is recorded. The command \"shell\" is your shell."},
		{name: "--strict", set: func(o *options, _ string) { o.strict = true }, help: "With --labels: a process that would take two labels that disagree about a path may not. Else the first one counts, and a message says so."},
		{name: "--help", set: func(o *options, _ string) { o.help = true }, help: "Print this text."},
		{name: "--version", set: func(o *options, _ string) { o.version = true }, help: "Print the version."},
	}
}

// remoteSetting returns what enters a setting of the remote cache.
func remoteSetting(name string) func(o *options, value string) {
	return func(o *options, value string) { o.remote = append(o.remote, endpoint.Setting(name, value)) }
}

// absolute makes a directory's name mean the same wherever it is used.
func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// parse reads options up to the first word that is none, and returns the rest: the
// command.
func (o *options) parse(args []string) (command []string, err error) {
	for len(args) > 0 {
		word := args[0]
		if word == "--" {
			o.plain = true
			return args[1:], nil
		}
		if len(word) < 2 || word[0] != '-' {
			return args, nil
		}
		used, err := o.take(word, args[1:], func(option) bool { return true })
		if err != nil {
			return nil, err
		}
		args = args[1+used:]
	}
	return nil, nil
}

// take reads one option of those that are wanted. used tells how many of the words in rest
// belong to it.
func (o *options) take(word string, rest []string, wanted func(option) bool) (used int, err error) {
	name, value, given := strings.Cut(word, "=")
	all := table()
	i := slices.IndexFunc(all, func(x option) bool { return x.name == name && wanted(x) })
	if i < 0 {
		return 0, &unknownOption{word, namesOf(all)}
	}
	x := all[i]
	switch {
	case x.arg == "" && given:
		return 0, fmt.Errorf("option '%s' takes no value", x.name)
	case x.arg == "":
	case !given && x.other != "":
		value = x.other
	case !given && len(rest) > 0:
		value, used = rest[0], 1
		fallthrough
	default:
		if value == "" {
			return 0, fmt.Errorf("option '%s' needs a value: %s=%s", x.name, x.name, x.arg)
		}
		if x.values != nil && !slices.Contains(x.values, value) {
			return 0, fmt.Errorf("option '%s=%s': the value must be one of %s", x.name, value, strings.Join(x.values, ", "))
		}
	}
	x.set(o, value)
	return used, nil
}

// unknownOption is the error for a word that is no option.
type unknownOption struct {
	word  string
	names []string // what it could have been
}

func (e *unknownOption) Error() string {
	text := fmt.Sprintf("unrecognized option '%s'", e.word)
	word, _, _ := strings.Cut(strings.TrimPrefix(e.word, "--"), "=")
	if near := flags.Near(word, e.names, nil); near != "" {
		text += fmt.Sprintf("\nDid you mean '--%s'?", near)
	}
	return text
}

// namesOf returns the names of options without their dashes.
func namesOf(all []option) []string {
	names := make([]string, len(all))
	for i, o := range all {
		names[i] = strings.TrimPrefix(o.name, "--")
	}
	return names
}

// inherit reads FMAKEFLAGS, of which only what concerns both programs is for us.
func (o *options) inherit(flags string) error {
	words := strings.Fields(flags)
	for i := 0; i < len(words); i++ {
		used, err := o.take(words[i], words[i+1:], func(x option) bool { return x.shared })
		if _, foreign := err.(*unknownOption); err != nil && !foreign {
			return fmt.Errorf("FMAKEFLAGS: %w", err)
		}
		i += used
	}
	return nil
}

// check finds what does not go together.
func (o *options) check() error {
	asked := 0
	for _, x := range []bool{o.explain, o.dryRun, o.inputs || o.outputs} {
		if x {
			asked++
		}
	}
	if _, err := endpoint.Parse(o.remote); err != nil {
		return err
	}
	switch {
	case o.strict && o.labels == "":
		return fmt.Errorf("option '--strict' goes with '--labels' only")
	case o.labels != "" && (asked > 0 || o.json):
		return fmt.Errorf("with '--labels' nothing is recorded that could be asked for")
	case o.json && !o.inputs && !o.outputs:
		return fmt.Errorf("option '--json' goes with '--inputs' or '--outputs' only")
	case asked > 1:
		return fmt.Errorf("only one of '--explain', '--dry-run' and '--inputs' or '--outputs' can be asked for")
	case asked > 0 && o.trace == "off":
		return fmt.Errorf("with '--tracefs=off' nothing is known of the command")
	}
	return nil
}

// reports tells whether something is asked for instead of a run.
func (o *options) reports() bool { return o.explain || o.dryRun || o.inputs || o.outputs }

// cacheMode translates --cache and --no-cache.
func (o *options) cacheMode() build.Mode {
	if o.noCache {
		return build.CacheOff
	}
	return build.ModeOf(o.cache)
}
