package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"fmake/cache"
	"fmake/cache/labels"
	"fmake/exec/flags"
)

// labelCommand is one command of "frun label".
type labelCommand struct {
	name  string
	args  string   // as the help shows them
	takes []string // options with a list of values
	flags []string // options without
	names [2]int   // how few and how many words stand before options; -1 for any number
	run   func(p *program, s *labels.Shelf, w *labelWords) error
	help  string
}

// labelCommands lists them in the order of the help.
func labelCommands() []labelCommand {
	return []labelCommand{
		{"add", "NAME --app PATH... --lib PATH... [--absent PATH...] [-- TEST...]", []string{"--app", "--lib", "--absent", "--only", "--except"}, []string{"--from-run"}, [2]int{1, 1}, labelAdd, "Make a label: programs and folders of the application, and the files, links and folders to keep for it as they are now; and paths at which it is to find nothing. TEST is the command for \"check\". With --from-run, run TEST and keep also what it reads outside of the application, of that only what --only PATTERN... names and nothing that --except PATTERN... names."},
		{"ls", "", nil, nil, [2]int{0, 0}, labelList, "List all labels."},
		{"show", "NAME", nil, nil, [2]int{1, 1}, labelShow, "Print what a label holds, and read all of it to see that it is sound."},
		{"diff", "NAME", nil, nil, [2]int{1, 1}, labelDiff, "Print what is installed otherwise than the label has it. Exit status 1 if anything is."},
		{"rename", "NAME NEW", nil, nil, [2]int{2, 2}, labelRename, "Give a label another name."},
		{"rm", "NAME...", nil, nil, [2]int{1, -1}, labelRemove, "Forget labels."},
		{"export", "NAME FILE", nil, nil, [2]int{2, 2}, labelExport, "Write a label with its contents to a file, \"-\" for the standard output."},
		{"import", "FILE", nil, nil, [2]int{1, 1}, labelImport, "Read it on another machine."},
		{"check", "NAME [-- TEST...]", nil, nil, [2]int{1, 1}, labelCheck, "Run the label's test, or TEST, with the label's files and with what is installed, and say whether the upgrade is safe to take. Exit status 1 if it is not."},
		{"wrap", "NAME PROGRAM... [--capability] [--tree DIR]", []string{"--tree"}, []string{"--capability"}, [2]int{2, -1}, labelWrap, "Put wrappers in the place of programs, so that they run with the label however they are started. The label's files are laid out in DIR, which all who run them must be able to read. With --capability, as root, the wrappers have the file capability CAP_SYS_ADMIN, and need no user namespaces; all paths have to be root's alone."},
		{"unwrap", "NAME [PROGRAM...]", nil, nil, [2]int{1, -1}, labelUnwrap, "Put programs back, all of the label's if none is named."},
		{"release", "NAME", nil, nil, [2]int{1, 1}, labelRelease, "Take the upgrade: unwrap all programs and forget the label."},
	}
}

// labelWords are the words of a label command.
type labelWords struct {
	names   []string            // before options
	lists   map[string][]string // by option
	set     map[string]bool
	command []string // after "--"
}

// label does what "frun label" is asked for, and ends.
func (p *program) label(args []string) {
	if len(args) == 0 {
		misused("frun label", errors.New("what is to be done with labels?"))
	}
	if args[0] == "--help" {
		labelHelp(os.Stdout)
		os.Exit(0)
	}
	all := labelCommands()
	i := slices.IndexFunc(all, func(c labelCommand) bool { return c.name == args[0] })
	if i < 0 {
		misused("frun label", unknownCommand(args[0], all))
	}
	w, err := all[i].parse(args[1:])
	if err != nil {
		misused("frun label", fmt.Errorf("%w\nUsage: frun label %s %s", err, all[i].name, all[i].args))
	}
	dir, err := p.cacheDir()
	if err == nil {
		err = all[i].run(p, labels.Open(dir), w)
	}
	var says *saysNo
	switch {
	case errors.As(err, &says):
		os.Exit(int(says.status))
	case err != nil:
		fail(err)
	}
	os.Exit(0)
}

// saysNo ends a command that has nothing more to say with a status of its own.
type saysNo struct{ status int }

func (e *saysNo) Error() string { return fmt.Sprintf("status %d", e.status) }

// options are the names of its options without their dashes.
func (c *labelCommand) options() []string {
	var names []string
	for _, name := range slices.Concat(c.takes, c.flags) {
		names = append(names, strings.TrimPrefix(name, "--"))
	}
	return names
}

// unknownCommand is the error for a word that is no label command.
func unknownCommand(word string, all []labelCommand) error {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.name
	}
	if near := flags.Near(word, names, nil); near != "" {
		return fmt.Errorf("unknown command '%s' for labels\nDid you mean '%s'?", word, near)
	}
	return fmt.Errorf("unknown command '%s' for labels", word)
}

// parse sorts the words behind the command's name. Those behind an option that takes a list
// belong to it, up to the next option.
func (c *labelCommand) parse(args []string) (*labelWords, error) {
	w := &labelWords{lists: map[string][]string{}, set: map[string]bool{}}
	current := ""
	for i, word := range args {
		if word == "--" {
			w.command = args[i+1:]
			break
		}
		name, value, given := strings.Cut(word, "=")
		switch {
		case !strings.HasPrefix(word, "--"):
			w.lists[current] = append(w.lists[current], word)
		case slices.Contains(c.takes, name):
			if current = name; given {
				w.lists[name] = append(w.lists[name], value)
			}
		case slices.Contains(c.flags, word):
			current = ""
			w.set[word] = true
		default:
			return nil, &unknownOption{word, c.options()}
		}
	}
	w.names = w.lists[""]
	if n := len(w.names); n < c.names[0] || c.names[1] >= 0 && n > c.names[1] {
		return nil, errors.New("wrong number of words")
	}
	return w, nil
}

const labelHelpBefore = `Usage: frun label COMMAND [ARG]...

A label keeps libraries of an application as they are now, for the time when they are
upgraded in place. The application finds them then at the same paths as ever:
  - under "frun --labels COMMAND", which runs COMMAND in a view of the file system. Whoever
    opens or executes a file of the application there has its label, and so have all that
    it starts; others find what is installed, at the same moment;
  - however it is started, if its programs are wrapped.

Commands:
`

const labelHelpAfter = `
A PATTERN is one of the shell's, for the whole path or a folder of it, or without a slash
for the last name. Without --only, what is in /etc, /var, /tmp and in homes is not kept.
`

// labelHelp prints the commands.
func labelHelp(out io.Writer) {
	fmt.Fprint(out, labelHelpBefore)
	for _, c := range labelCommands() {
		printOption(out, option{name: strings.TrimSpace(c.name + " " + c.args), help: c.help})
	}
	fmt.Fprint(out, labelHelpAfter)
}

// cacheDir returns the cache's folder.
func (p *program) cacheDir() (string, error) {
	if p.o.cacheDir != "" {
		return p.o.cacheDir, nil
	}
	return cache.DefaultDir(p.env)
}
