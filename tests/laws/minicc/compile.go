package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// compile preprocesses the inputs into the output.
func compile(o options) error {
	out, err := os.Create(o.out)
	if err != nil {
		return err
	}
	defer out.Close()
	u := unit{options: o, seen: map[string]bool{}, out: bufio.NewWriter(out)}
	for _, name := range o.inputs {
		if err := u.file(name); err != nil {
			u.out.Flush()
			return err
		}
	}
	if err := u.out.Flush(); err != nil {
		return err
	}
	if o.deps == "" {
		return nil
	}
	return os.WriteFile(o.deps, []byte(o.out+": "+strings.Join(u.read, " ")+"\n"), 0o644)
}

// unit is one compilation under way.
type unit struct {
	options
	seen map[string]bool // files that were included already
	read []string        // in order, for -MD
	out  *bufio.Writer
}

// file preprocesses one file that must exist.
func (u *unit) file(name string) error {
	if u.seen[name] {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return u.lines(name, string(data))
}

// include finds a name as a C compiler does: beside the file that includes it,
// then along the -I folders. Every place that it looks at before the one where
// the file is, is an absence that the result depends on.
func (u *unit) include(from, name string, must bool) error {
	for _, dir := range append([]string{filepath.Dir(from)}, u.dirs...) {
		path := filepath.Join(dir, name)
		if u.seen[path] {
			return nil
		}
		data, err := os.ReadFile(path)
		if err == nil {
			return u.lines(path, string(data))
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if must {
		return fmt.Errorf("%s: no such file: %s", from, name)
	}
	return nil
}

func (u *unit) lines(name, text string) error {
	u.seen[name] = true
	u.read = append(u.read, name)
	var taken []bool // the conditionals around this line
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		_, defined := u.defines[rest]
		switch word {
		case "ifdef":
			taken = append(taken, defined)
			continue
		case "ifndef":
			taken = append(taken, !defined)
			continue
		case "else", "endif":
			if len(taken) == 0 {
				return fmt.Errorf("%s: %s without ifdef", name, word)
			}
			last := len(taken) - 1
			taken[last] = !taken[last]
			if word == "endif" {
				taken = taken[:last]
			}
			continue
		}
		if !all(taken) {
			continue
		}
		if err := u.line(name, word, rest, line); err != nil {
			return err
		}
	}
	return nil
}

func (u *unit) line(name, word, rest, line string) error {
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
		return nil
	case word == "include" || word == "maybe":
		return u.include(name, strings.Trim(rest, `"`), word == "include")
	case word == "define":
		key, text, _ := strings.Cut(rest, " ")
		u.defines[key] = text
		return nil
	case word == "warning":
		_, err := fmt.Fprintf(os.Stderr, "%s: warning: %s\n", name, rest)
		return err
	case word == "error":
		return fmt.Errorf("%s: %s", name, rest)
	}
	_, err := fmt.Fprintln(u.out, u.replaced(line))
	return err
}

// replaced puts the texts of defined words in their place.
func (u *unit) replaced(line string) string {
	words := strings.Split(line, " ")
	for i, w := range words {
		if text, found := u.defines[w]; found {
			words[i] = text
		}
	}
	return strings.Join(words, " ")
}

func all(bits []bool) bool {
	for _, b := range bits {
		if !b {
			return false
		}
	}
	return true
}

// link writes one line for each input: its last name and a digest.
func link(o options) error {
	out, err := os.OpenFile(o.out, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	defer out.Close()
	for _, name := range o.inputs {
		in, err := os.Open(name)
		if err != nil {
			return err
		}
		h := sha256.New()
		_, err = io.Copy(h, in)
		in.Close()
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if _, err := fmt.Fprintf(out, "%s %x\n", filepath.Base(name), h.Sum(nil)[:8]); err != nil {
			return err
		}
	}
	return out.Close()
}
