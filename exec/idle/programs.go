package idle

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// program is what is known of a program: on what it depends besides files, arguments and
// environment, and when it reads its standard input.
type program struct {
	looks bool           // it depends on more, but leaves nothing behind
	never *regexp.Regexp // arguments with which it depends on more, nil for none
	input inputRule
}

// inputRule says when a program reads its standard input: if an argument is "-", and what
// else.
type inputRule struct {
	operands int            // if it has fewer arguments than this that are no options
	options  *regexp.Regexp // what options are that take no argument of their own; with others nobody knows
}

// reads tells whether a program with these arguments may read its standard input.
func (r *inputRule) reads(args []string) bool {
	operands := 0
	for _, a := range args {
		switch {
		case a == "-":
			return true
		case !strings.HasPrefix(a, "-"):
			operands++
		case r.operands > 0 && (r.options == nil || !r.options.MatchString(a)):
			return true
		}
	}
	return operands < r.operands
}

// knownPrograms lists the programs that depend on files alone, and those that at least
// change nothing. It is part of what the manual promises.
func knownPrograms() map[string]*program {
	known := make(map[string]*program)
	add := func(names string, p program) {
		for _, n := range strings.Fields(names) {
			known[n] = &p
		}
	}
	re := func(s string) *regexp.Regexp { return regexp.MustCompile("^(?:" + s + ")") }
	filter := func(operands int, options string) inputRule {
		return inputRule{operands: operands, options: re("(?:" + options + ")$")}
	}
	always := inputRule{operands: 1 << 20}

	add("true false echo printf test [ expr basename dirname pwd realpath readlink which seq", program{})
	add("mkdir rmdir rm cp mv ln touch chmod install uname arch", program{})
	add("pkg-config pkgconf llvm-config nm objdump readelf size strings ar ranlib strip", program{})
	add("gcc g++ cc c++ clang clang++ cpp cc1 cc1plus collect2 lto-wrapper lto1 as ld ld.bfd ld.gold ld.lld", program{})
	add("hostname", program{never: re("-[^s]|--[^s]")})
	add("ls", program{never: re("-[A-Za-z1]*[cgklnostuZ]|--(?:full|time|sort|format|size|context)")})
	add("find", program{never: re("-(?:[acm]min|[acm]time|newer|ls|fls|printf|fprintf|used|ok)")})
	add("cat", program{input: filter(1, "-[A-Za-z]+")})
	add("wc", program{input: filter(1, "-[lwcmL]+")})
	add("uniq", program{input: filter(1, "-[cdiu]+")})
	add("sort", program{never: re("-[a-z]*R|--random"), input: filter(1, "-[bdfghiMnrsuVz]+")})
	add("cut", program{input: filter(1, "-[bcdf].+|-s")})
	add("head tail", program{input: filter(1, "-[0-9]+|-[cn][-+]?[0-9]+|-q")})
	add("sed", program{input: filter(2, "-[nErsz]+")})
	add("grep egrep fgrep", program{input: filter(2, "-[cEFGhHilnoqsvwxP]+")})
	add("awk mawk gawk original-awk", program{never: re(`-f|--file|(?s:.*(?:systime|srand|strftime|PROCINFO|ENVIRON))`), input: filter(2, "-F.+")})
	add("tr xargs tee paste comm join fold nl rev tac od", program{input: always})

	add("date id whoami groups nproc getconf git hg svn stat du df env printenv locale tty ps", program{looks: true})
	return known
}

// named is the program that an executable is, as the list knows it: with neither the
// machine that a compiler is for nor its version. It is nil for one that is not on the
// list, or is not the system's.
func named(known map[string]*program, path string) *program {
	ofSystem := slices.ContainsFunc([]string{"/usr/bin/", "/bin/", "/usr/lib/", "/lib/", "/usr/libexec/", "/usr/local/bin/"}, func(dir string) bool {
		return strings.HasPrefix(path, dir)
	})
	if !ofSystem {
		return nil
	}
	name := filepath.Base(path)
	if p := known[name]; p != nil {
		return p
	}
	m := regexp.MustCompile(`^(?:[a-z0-9_]+-linux-gnu[a-z0-9]*-)?(.+?)(?:-[0-9.]+)?(?:\.debianutils)?$`).FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	return known[m[1]]
}

// isShell tells whether an executable is a shell whose scripts can be judged by their text.
func isShell(path string) bool {
	return slices.Contains([]string{"sh", "dash", "bash"}, filepath.Base(path)) && (strings.HasPrefix(path, "/bin/") || strings.HasPrefix(path, "/usr/bin/"))
}

// tells finds in the text of a script what depends on more than files: on processes, the
// clock, chance, the terminal, what the kernel tells in /proc, or the script's standard
// input. What it finds need not be meant so.
func tells(text string) bool {
	text = strings.NewReplacer("/dev/null", "", "/dev/stdout", "", "/dev/stderr", "").Replace(text)
	return regexp.MustCompile(`\$[$!]|\b(PPID|S?RANDOM|SECONDS|EPOCH\w+|BASHPID|MAKEFLAGS|MFLAGS|GNUMAKEFLAGS)\b|\b(read|times|ulimit|umask|jobs|mapfile|readarray)\b|` +
		`-[no]t\b|-N\b|-t\s*[0-9]|%\(|/(proc|sys|dev)/|\b(set|export|declare|typeset)\s*(-p\b|[;&|)\n]|$)`).MatchString(text)
}

// dated finds the macros whose value a compiler takes from the clock.
func dated(text string) bool {
	return strings.Contains(text, "__DATE__") || strings.Contains(text, "__TIME__") || strings.Contains(text, "__TIMESTAMP__")
}
