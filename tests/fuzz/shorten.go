package fuzz

import "slices"

// shorten takes away from a case what it does not need to differ: commands,
// their words, files and lines, ever smaller runs of each.
func shorten(c Case, differs func(Case) bool) Case {
	for {
		before := size(c)
		c.Commands = fewer(c.Commands, func(list []Command) bool {
			return len(list) > 0 && differs(Case{Files: c.Files, Commands: list})
		})
		for i := range c.Commands {
			try := func(cmd Command) bool {
				d := Case{Files: c.Files, Commands: slices.Clone(c.Commands)}
				d.Commands[i] = cmd
				return differs(d)
			}
			cmd := c.Commands[i]
			cmd.Args = fewer(cmd.Args, func(args []string) bool { return try(Command{Env: cmd.Env, Args: args}) })
			cmd.Env = fewer(cmd.Env, func(env []string) bool { return try(Command{Env: env, Args: cmd.Args}) })
			c.Commands = slices.Clone(c.Commands)
			c.Commands[i] = cmd
		}
		c.Files = fewer(c.Files, func(files []File) bool { return differs(Case{Files: files, Commands: c.Commands}) })
		for i := range c.Files {
			lines := fewer(c.Files[i].Lines, func(lines []string) bool { return differs(c.withLines(i, lines)) })
			c = c.withLines(i, lines)
			c = c.fewerWords(i, differs)
		}
		if size(c) == before {
			return c
		}
	}
}

// withLines returns the case with other lines in one of its files.
func (c Case) withLines(file int, lines []string) Case {
	c.Files = slices.Clone(c.Files)
	c.Files[file].Lines = lines
	return c
}

// fewerWords takes bytes away from each line of a file.
func (c Case) fewerWords(file int, differs func(Case) bool) Case {
	for n := range c.Files[file].Lines {
		with := func(line []byte) Case {
			lines := slices.Clone(c.Files[file].Lines)
			lines[n] = string(line)
			return c.withLines(file, lines)
		}
		line := fewer([]byte(c.Files[file].Lines[n]), func(line []byte) bool { return differs(with(line)) })
		c = with(line)
	}
	return c
}

func size(c Case) int {
	n := 0
	for _, cmd := range c.Commands {
		n += 1 + len(cmd.Args) + len(cmd.Env)
	}
	for _, f := range c.Files {
		n += 1 + len(joined(f.Lines))
	}
	return n
}

// fewer returns a list without what can be left out.
func fewer[T any](list []T, still func([]T) bool) []T {
	for run := max(len(list)/2, 1); ; run /= 2 {
		for at := 0; at < len(list); {
			shorter := slices.Concat(list[:at], list[min(at+run, len(list)):])
			if still(shorter) {
				list = shorter
			} else {
				at += run
			}
		}
		if run <= 1 {
			return list
		}
	}
}
