package makefile

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"
)

// PrintDatabase writes what was read, as -p does: variables, directories,
// implicit rules, files and search paths, in the text format that tools parse.
// Variables are sorted by name and files stand in the order in which they were
// first mentioned, where GNU make has the order of its hash tables.
func (db *Database) PrintDatabase(w io.Writer, when time.Time) {
	p := &printer{Writer: bufio.NewWriter(w), db: db, prefix: db.RecipePrefix}
	p.printf("\n# Make data base, printed on %s\n", when.Format(time.ANSIC))
	p.variables()
	p.directories()
	p.implicitRules()
	p.files()
	p.searchPaths()
	p.printf("\n# Finished Make data base on %s\n\n", when.Format(time.ANSIC))
	p.Flush() // an error in writing to the terminal is reported at the end of the run
}

// The sizes that GNU make's hash tables start with.
const (
	globalTable = 1024
	fileTable   = 32
)

// printer writes the parts of a database.
type printer struct {
	*bufio.Writer
	db     *Database
	prefix byte // .RECIPEPREFIX as last printed
}

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(p.Writer, format, args...) }

// origins are the comments above variables.
var origins = [...]string{
	OriginDefault:     "default",
	OriginEnv:         "environment",
	OriginFile:        "makefile",
	OriginEnvOverride: "environment under -e",
	OriginCommand:     "command line",
	OriginOverride:    "'override' directive",
	OriginAutomatic:   "automatic",
	OriginInvalid:     "invalid",
}

func (p *printer) variables() {
	p.WriteString("\n# Variables\n\n")
	p.variableSet(p.db.root.Set, "", globalTable, func(*Variable) bool { return true })
	p.WriteString("\n# Pattern-specific Variable Values\n")
	for _, v := range p.db.patVars {
		p.printf("\n%s :\n", v.target.text)
		p.variable(&Variable{
			Name: v.name, Value: v.value, Pos: v.pos, Origin: v.origin, Private: v.private,
		}, "# ")
	}
	if n := len(p.db.patVars); n > 0 {
		p.printf("\n# %d pattern-specific variable values", n)
		return
	}
	p.WriteString("\n# No pattern-specific variable values.\n")
}

// variableSet prints the variables of a set that want accepts.
func (p *printer) variableSet(set *VarSet, prefix string, size int, want func(*Variable) bool) {
	for _, v := range set.Sorted() {
		if want(v) {
			p.variable(v, prefix)
		}
	}
	p.WriteString("# variable set hash-table stats:\n# ")
	p.tableStats(set.Len(), size)
}

// tableStats prints the load of a hash table as GNU make's would have it, but
// none of the collisions that it does not share.
func (p *printer) tableStats(n, size int) {
	for n > size*15/16 {
		size *= 2
	}
	p.printf("Load=%d/%d=%d%%, Rehash=0, Collisions=0/%d=0%%\n", n, size, n*100/size, n)
}

func (p *printer) variable(v *Variable, prefix string) {
	p.WriteString("# " + origins[v.Origin])
	if v.Private {
		p.WriteString(" private")
	}
	if v.Pos.File != "" {
		p.printf(" (from '%s', line %d)", v.Pos.File, v.Pos.Line+v.Pos.Offset)
	}
	p.WriteString("\n" + prefix)
	if v.Recursive && strings.Contains(v.Value, "\n") {
		p.printf("define %s\n%s\nendef\n", v.Name, v.Value)
		return
	}
	op, value := ":", v.Value
	switch {
	case v.Recursive && v.Append:
		op = "+"
	case v.Recursive:
		op = ""
	default:
		value = strings.ReplaceAll(value, "$", "$$")
	}
	if value != "" && skipSpace(value) == "" {
		value = "$(subst ,," + v.Value + ")"
	}
	p.printf("%s %s= %s\n", v.Name, op, value)
}

// directories prints what the cache of directories holds.
func (p *printer) directories() {
	p.WriteString("\n# Directories\n\n")
	cache := p.db.Dirs()
	names := make([]string, 0, len(cache.dirs))
	for name := range cache.dirs {
		names = append(names, name)
	}
	slices.Sort(names)
	impossible := make(map[string]int)
	for name := range cache.impossible {
		dir, _ := splitDir(name)
		impossible[dir]++
	}
	files, impossibles := 0, 0
	for _, name := range names {
		l := cache.dirs[name]
		if l.names == nil {
			p.printf("# %s: could not be stat'd.\n", name)
			continue
		}
		dev, ino := p.identity(name)
		p.printf("# %s (device %d, inode %d): %s files, %s impossibilities.\n",
			name, dev, ino, countOr("No", len(l.names)), countOr("no", impossible[name]))
		files += len(l.names)
		impossibles += impossible[name]
	}
	p.printf("\n# %s files, %s impossibilities in %d directories.\n",
		countOr("No", files), countOr("no", impossibles), len(names))
}

func (p *printer) identity(dir string) (dev, ino uint64) {
	info, err := p.db.host.Stat(dir)
	if err != nil {
		return 0, 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Dev, st.Ino
	}
	return 0, 0
}

func countOr(none string, n int) string {
	if n == 0 {
		return none
	}
	return fmt.Sprint(n)
}

func (p *printer) implicitRules() {
	p.WriteString("\n# Implicit Rules\n")
	terminal := 0
	for _, r := range p.db.Patterns {
		p.printf("\n%s\n", p.db.ruleDefinition(r))
		p.recipe(r.Recipe)
		if r.Terminal {
			terminal++
		}
	}
	n := len(p.db.Patterns)
	if n == 0 {
		p.WriteString("\n# No implicit rules.\n")
		return
	}
	p.printf("\n# %d implicit rules, %d (%.1f%%) terminal.", n, terminal, float64(terminal)/float64(n)*100)
}

// recipe prints a recipe, which may be nil, one logical line after the other.
func (p *printer) recipe(r *Recipe) {
	if r == nil {
		return
	}
	if r.Pos.File == "" {
		p.WriteString("#  recipe to execute (built-in):\n")
	} else {
		p.printf("#  recipe to execute (from '%s', line %d):\n", r.Pos.File, r.Pos.Line)
	}
	text := r.Text
	for {
		end := logicalLineEnd(text)
		p.printf("%c%s\n", p.prefix, text[:end])
		if end == len(text) {
			return
		}
		text = text[end+1:]
	}
}

// logicalLineEnd is the index of the first newline that no backslash quotes.
func logicalLineEnd(text string) int {
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' && backslashesBefore(text, i)%2 == 0 {
			return i
		}
	}
	return len(text)
}

func (p *printer) searchPaths() {
	p.WriteString("# VPATH Search Paths\n\n")
	v := &p.db.state.vpath
	for _, s := range v.selective {
		p.printf("vpath %s %s\n", s.pattern.text, strings.Join(s.dirs, ":"))
	}
	if n := len(v.selective); n > 0 {
		p.printf("\n# %d 'vpath' search paths.\n", n)
	} else {
		p.WriteString("# No 'vpath' search paths.\n")
	}
	if v.general == nil {
		p.WriteString("\n# No general ('VPATH' variable) search path.\n")
		return
	}
	p.printf("\n# General ('VPATH' variable) search path:\n# %s\n", strings.Join(v.general.dirs, ":"))
}
