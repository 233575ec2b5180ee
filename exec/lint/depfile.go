package lint

import (
	"os"
	"path/filepath"
	"strings"
)

// Compilers write dependency files, which the makefile includes: what they name is
// declared for the next build, though not for the one that wrote them, in which the
// target was to be made anyway.

// mostDependencies bounds the size of a dependency file.
const mostDependencies = 4 << 20

// isDependencyFile tells by its name whether a file may be one.
func isDependencyFile(key string) bool {
	switch filepath.Ext(key) {
	case ".d", ".P", ".Po", ".Plo", ".dep", ".deps", ".depend", ".Td":
		return true
	}
	return false
}

// dependencyFiles lists, by key, the prerequisites in the dependency files that a recipe
// has written and the makefile includes.
func (l *linter) dependencyFiles(s *subject) map[string]bool {
	declared := make(map[string]bool)
	for i := range s.trace.Outputs {
		o := &s.trace.Outputs[i]
		if o.Type != typeRegular || o.Size > mostDependencies || !isDependencyFile(o.Path) || !l.includes(o.Path) {
			continue
		}
		path := l.absolute(l.Known.Path(o.Path))
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it was moved on, or is gone
		}
		for _, name := range dependencies(string(text)) {
			declared[l.Known.KeyOf(name)] = true
		}
	}
	return declared
}

// includes tells whether a makefile includes a dependency file, or may.
func (l *linter) includes(key string) bool {
	if l.tracked {
		return true
	}
	for _, g := range l.DB.ReadFiles {
		if g.File != nil && (l.Known.Key(g.File) == key || isGathered(g.File.Name, key)) {
			return true
		}
	}
	return false
}

// isGathered tells whether a makefile is the one in which the next make of cmake's gathers
// what a dependency file says.
func isGathered(makefile, key string) bool {
	dir, name := filepath.Split(makefile)
	return name == "compiler_depend.make" && strings.Contains(key, "/"+dir)
}

// includesByVariable tells whether a makefile includes files that it does not name
// literally: the list may be one of files that exist.
func includesByVariable(m *Make) bool {
	for _, g := range m.DB.ReadFiles {
		if g.File == nil || g.Err != nil || isDependencyFile(g.File.Name) {
			continue
		}
		name := g.File.Name
		if !filepath.IsAbs(name) {
			name = filepath.Join(m.Dir, name)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			if (word == "include" || word == "-include" || word == "sinclude") && strings.ContainsAny(rest, "$*?[") {
				return true
			}
		}
	}
	return false
}

// dependencies lists the prerequisites of all rules in a dependency file.
func dependencies(text string) []string {
	var out []string
	text = strings.NewReplacer("\\\r\n", " ", "\\\n", " ").Replace(text)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "#") {
			continue
		}
		words := splitNames(line)
		for i, w := range words {
			if strings.HasSuffix(w, ":") {
				out = append(out, words[i+1:]...)
				break
			}
		}
	}
	return out
}

// splitNames splits a line into names: blanks may be quoted, and $ is doubled. A colon
// that ends a name stays with it.
func splitNames(line string) []string {
	var names []string
	var name []byte
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && i+1 < len(line) && strings.IndexByte(" #:\\", line[i+1]) >= 0,
			c == '$' && i+1 < len(line) && line[i+1] == '$':
			i++
			name = append(name, line[i])
			continue
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			name = append(name, c)
			continue
		}
		if len(name) > 0 {
			names = append(names, string(name))
			name = nil
		}
	}
	if len(name) > 0 {
		names = append(names, string(name))
	}
	return names
}

// mainMakefile is the makefile that was read first, absolute; "" if there is none that
// could be changed.
func mainMakefile(m *Make) string {
	for _, g := range m.DB.ReadFiles {
		if g.File == nil || g.Err != nil || g.NoDefaultGoal || g.Included {
			continue
		}
		if filepath.IsAbs(g.File.Name) {
			return filepath.Clean(g.File.Name)
		}
		return filepath.Join(m.Dir, g.File.Name)
	}
	return ""
}

func (l *linter) absolute(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(l.Dir, name)
}
