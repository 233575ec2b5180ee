package main

import (
	"cmp"
	"strings"

	"fmake/cache/endpoint"
)

// ownOption is one option: its name with the dashes, the values it may have (nil
// for any), and where the value goes.
type ownOption struct {
	name   string
	values []string
	arg    string // what its value is called where it may be any
	set    func(o *own, value string)
	bare   bool   // may stand without a value
	flag   bool   // has no value
	help   string // one or more sentences; "" for what people do not use
}

// ownOptions are all, in the order in which --help shows them.
func ownOptions() []ownOption {
	return []ownOption{
		{
			name: "--explain", arg: "FILE", set: func(o *own, v string) { o.explain = append(o.explain, question{name: v}) },
			help: "Say why FILE would be made again, what its recipe did, who wrote and who reads it.",
		},
		{
			name: "--explain-miss", arg: "TARGET", set: func(o *own, v string) { o.explain = append(o.explain, question{v, true}) },
			help: "Say as well why the cache has nothing for it.",
		},
		{name: "--json", flag: true, set: func(o *own, _ string) { o.json = true }, help: "Answer both, and what --verify finds, as JSON."},
		{
			name: "--lint", values: []string{"report", "patch"}, bare: true, set: func(o *own, v string) { o.lint = cmp.Or(v, "report") },
			help: "Build, then name what the makefiles do not say of what recipes do, or print a patch that adds it.",
		},
		{
			name: "--verify", flag: true, set: func(o *own, _ string) { o.verify = true },
			help: "Build, then run each recipe again, later, alone, with another TMPDIR and directories listed in reverse, and say which files differ and where; the first ones stay. Exit status 1 if any does.",
		},
		{
			name: "--label", arg: "NAME", set: func(o *own, v string) { o.label = v },
			help: "Build, then keep the shared libraries that the programs made were linked with and load, as a label of this name: see frun label.",
		},
		{name: "--report", arg: "FILE.html", set: func(o *own, v string) { o.page("report", v) }, help: "Write a page about the build."},
		{
			name: "--profile", arg: "FILE.json", set: func(o *own, v string) { o.page("profile", v) },
			help: "Write what took time, for chrome://tracing and Perfetto.",
		},
		{
			name: "--graph", arg: "FILE.svg", set: func(o *own, v string) { o.page("graph", v) },
			help: "Draw the graph; with another suffix than .svg, write it for Graphviz.",
		},
		{
			name: "--compile-commands", arg: "FILE", bare: true,
			set:  func(o *own, v string) { o.page("compile-commands", cmp.Or(v, "compile_commands.json")) },
			help: "Write the compilation database, compile_commands.json by default.",
		},
		{name: "--print-targets", flag: true, set: func(o *own, _ string) { o.list = "targets" }, help: "List the targets."},
		{name: "--tasks", flag: true, set: func(o *own, _ string) { o.list = "tasks" }, help: "List the targets that comments document."},
		{
			name: "--progress", flag: true, set: func(o *own, _ string) { o.progress = true },
			help: "Show in the last row of the terminal how far the build is, and at its end what it did.",
		},
		{
			name: "--order", values: []string{"auto", "serial"}, set: func(o *own, v string) { o.order = v },
			help: "Show the output of parallel jobs in the order of -j1.",
		},
		{
			name: "--tracefs", values: []string{"auto", "off", "require"}, set: func(o *own, v string) { o.trace = v },
			help: "Trace recipes where that is possible (the default); never; or fail where it is not.",
		},
		{
			name: "--cache", values: []string{"on", "off", "readonly"}, set: func(o *own, v string) { o.cache = v },
			help: "Take results from the cache and store new ones (the default); neither; take only.",
		},
		{name: "--cache-dir", arg: "DIRECTORY", set: func(o *own, v string) { o.cacheDir = absolute(v) }, help: "Keep the cache there."},
		{
			name: canonicalOption, arg: "DIRECTORY", set: func(o *own, v string) { o.canonical = absolute(v) },
			help: "Show the project there to all that runs, so that results are the same wherever it is.",
		},
		{
			name: "--remote-cache", arg: "URL", set: remoteSetting(endpoint.Cache),
			help: "Take results from this server, and give it new ones: grpc://HOST:PORT/INSTANCE or grpcs://...; \"off\" for none.",
		},
		{
			name: "--remote-cache-mode", values: []string{"readwrite", "read", "write"}, set: remoteSetting(endpoint.Mode),
			help: "Take and give results (the default), or only one of both.",
		},
		{
			name: "--remote-wait", arg: "SECONDS", set: remoteSetting(endpoint.Wait),
			help: "How long to wait at the end for results that are on their way there, 2.5 by default.",
		},
		{
			name: "--remote-exec", arg: "URL", set: remoteSetting(endpoint.Exec),
			help: "Run recipes on other machines, by this server: grpc://HOST:PORT/INSTANCE or grpcs://...; \"off\" for none. -j is about these, too.",
		},
		{
			name: "--remote-exec-timeout", arg: "SECONDS", set: remoteSetting(endpoint.Limit),
			help: "How long a recipe may run there, 600 by default.",
		},
		{
			name: "--remote-system", values: []string{"image", "ship"}, set: remoteSetting(endpoint.System),
			help: "Take the system that is there, if its files are those here (the default); or send what recipes read of it, too.",
		},
		{name: "--remote-image", arg: "NAME", set: remoteSetting(endpoint.Image), help: "The container image that recipes run in there."},
		{
			name: "--remote-platform", arg: "NAME=VALUE,...", set: remoteSetting(endpoint.Platform),
			help: "What a machine has to be like that runs them, in the server's words.",
		},
		{name: "--remote-token-file", arg: "FILE", set: remoteSetting(endpoint.TokenFile), help: "What lets us in there is in this file."},
		{name: "--remote-ca", arg: "FILE", set: remoteSetting(endpoint.CA), help: "Who the server has to be certified by."},
		{name: "--remote-cert", arg: "FILE", set: remoteSetting(endpoint.Cert), help: "The certificate by which it knows us."},
		{name: "--remote-key", arg: "FILE", set: remoteSetting(endpoint.Key), help: "The key of that certificate."},
		{
			name: "--reuse", values: []string{"on", "off", "shells"}, set: func(o *own, v string) { o.reuse = v },
			help: "When a recipe runs again, repeat what those of its programs did that would do the same (the default), or run all of them; shells: also of programs that scripts for a real shell start, from the first run on.",
		},
		{
			name: "--system", values: []string{"trace", "fingerprint"}, set: func(o *own, v string) { o.system = v },
			help: "Record each file of the system that is read (the default), or take its packages as a whole.",
		},
		{
			name: "--env", values: []string{"auto", "all"}, set: func(o *own, v string) { o.env = v },
			help: "Which environment variables count: those that something names (the default), or all.",
		},
		{name: "--cache-stats", bare: true, set: func(o *own, _ string) { o.manage = []string{"stats"} }, help: "Say what is in the cache."},
		{name: "--cache-verify", bare: true, set: func(o *own, _ string) { o.manage = []string{"verify"} }, help: "Read all of it and drop what is damaged."},
		{
			name: "--cache-gc", arg: "SIZE", bare: true, set: func(o *own, v string) { o.manage = []string{"gc", v} },
			help: "Remove what was used least recently until it is no larger, 10G by default.",
		},
		{name: "--story", set: func(o *own, v string) { o.story = v }},
	}
}

// ownNames are the names that people use, without the dashes.
func ownNames() []string {
	var names []string
	for _, o := range ownOptions() {
		if o.help != "" {
			names = append(names, strings.TrimPrefix(o.name, "--"))
		}
	}
	return names
}

// word is how --help shows an option.
func (o *ownOption) word() string {
	arg := cmp.Or(strings.Join(o.values, "|"), o.arg)
	switch {
	case o.flag || arg == "":
		return o.name
	case o.bare:
		return o.name + "[=" + arg + "]"
	}
	return o.name + "=" + arg
}

// The columns of --help, as in GNU make's part of it.
const (
	helpIndent = 30
	helpWidth  = 80
)

// help is what --help says of fmake's own options.
func help() string {
	var b strings.Builder
	b.WriteString("\nOptions of fmake's own, which may also stand in FMAKEFLAGS:\n")
	for _, o := range ownOptions() {
		if o.help == "" {
			continue
		}
		head := "  " + o.word()
		if len(head) > helpIndent-2 {
			b.WriteString(head + "\n")
			head = ""
		}
		for _, line := range filled(o.help, helpWidth-helpIndent) {
			b.WriteString(head + strings.Repeat(" ", helpIndent-len(head)) + line + "\n")
			head = ""
		}
	}
	return b.String()
}

// filled breaks a text into lines between words.
func filled(text string, width int) []string {
	var lines []string
	line := ""
	for _, w := range strings.Fields(text) {
		if line != "" && len(line)+1+len(w) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	return append(lines, line)
}
