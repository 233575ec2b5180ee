package fuzz

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/txtar"
)

// Case is a project and what is typed in it, one command after the other.
type Case struct {
	Files    []File
	Commands []Command
}

// File is a file of the project.
type File struct {
	Name  string
	Date  int // seconds after epoch
	Lines []string
}

// Command is one call of make.
type Command struct {
	Env  []string
	Args []string
}

// epoch is where the dates of all files start: long ago, so that "now", which
// only make -t uses, is newer than any of them.
const epoch = 1_000_000_000

// write makes the project in dir, which must not exist.
func (c Case) write(dir string) error {
	for _, f := range c.Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(joined(f.Lines)), 0o644); err != nil {
			return err
		}
		date := time.Unix(epoch+int64(f.Date), 0)
		if err := os.Chtimes(name, date, date); err != nil {
			return err
		}
	}
	return nil
}

func joined(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// format writes a case as text, and what it came to where that is known:
//
//	A=1 -- -k all          a command: environment, then arguments, quoted where needed
//	-- Makefile @3 --      a file and its date
//	-- want --             what the commands came to
func format(c Case, want string) []byte {
	var a txtar.Archive
	var head strings.Builder
	for _, cmd := range c.Commands {
		var words []string
		for _, w := range cmd.Env {
			words = append(words, strconv.Quote(w))
		}
		words = append(words, "--")
		for _, w := range cmd.Args {
			words = append(words, strconv.Quote(w))
		}
		head.WriteString(strings.Join(words, " ") + "\n")
	}
	a.Comment = []byte(head.String())
	for _, f := range c.Files {
		a.Files = append(a.Files, txtar.File{Name: fmt.Sprintf("%s @%d", f.Name, f.Date), Data: []byte(joined(f.Lines))})
	}
	if want != "" {
		a.Files = append(a.Files, txtar.File{Name: wantName, Data: []byte(want)})
	}
	return txtar.Format(&a)
}

const wantName = "want"

// parse reads what format wrote; lines of the head that start with # are for the
// reader.
func parse(text []byte) (c Case, want string, err error) {
	a := txtar.Parse(text)
	for line := range strings.Lines(string(a.Comment)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		cmd, err := parseCommand(line)
		if err != nil {
			return c, "", fmt.Errorf("%q: %w", line, err)
		}
		c.Commands = append(c.Commands, cmd)
	}
	for _, f := range a.Files {
		if f.Name == wantName {
			want = string(f.Data)
			continue
		}
		name, date, _ := strings.Cut(f.Name, " @")
		file := File{Name: name}
		if file.Date, err = strconv.Atoi(date); err != nil {
			return c, "", fmt.Errorf("%q: want \"NAME @DATE\"", f.Name)
		}
		if len(f.Data) > 0 {
			file.Lines = strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n")
		}
		c.Files = append(c.Files, file)
	}
	return c, want, nil
}

func parseCommand(line string) (Command, error) {
	var c Command
	words := &c.Env
	for line != "" {
		if rest, ok := strings.CutPrefix(line, "--"); ok {
			words, line = &c.Args, strings.TrimLeft(rest, " ")
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return c, err
		}
		w, err := strconv.Unquote(quoted)
		if err != nil {
			return c, err
		}
		*words = append(*words, w)
		line = strings.TrimLeft(line[len(quoted):], " ")
	}
	return c, nil
}
