package makefile

import (
	"io/fs"
	"slices"
	"strings"
)

// HasGlob reports whether a word may be a wildcard pattern. It errs on the side
// of yes: Glob gives a word that is none back if it exists.
func HasGlob(word string) bool { return strings.ContainsAny(word, "?*[") }

// Glob gives the existing names that a word stands for, sorted by their bytes;
// nil if there is none. The word may start with ~, and may be a plain name.
// Directories are listed through the cache.
func (db *Database) Glob(word string) []string {
	word = db.Tilde(word)
	if word == "" {
		return nil
	}
	g := globber{host: db.host, dirs: db.Dirs()}
	return g.expand(word)
}

// Tilde replaces ~ or ~user at the start of a word by the home directory, if
// there is one.
func (db *Database) Tilde(word string) string {
	if !strings.HasPrefix(word, "~") {
		return word
	}
	user, rest := word[1:], ""
	if i := strings.IndexByte(word, '/'); i >= 0 {
		user, rest = word[1:i], word[i:]
	}
	if user == "" {
		if home := db.Expand("$(HOME)"); home != "" {
			return home + rest
		}
	}
	home, ok := db.host.HomeDir(user)
	if !ok {
		return word
	}
	return home + rest
}

// globber expands patterns as glob(3) does with GNU make's directory cache
// below it.
type globber struct {
	host Host
	dirs *DirCache
}

// expand gives the sorted names that match a non-empty pattern.
func (g *globber) expand(pattern string) []string {
	slash := strings.LastIndexByte(pattern, '/')
	var found []string
	switch {
	case slash > 0 && slash == len(pattern)-1:
		found = g.directories(pattern[:slash])
	case slash < 0:
		found = g.in("", pattern, nil)
	case pattern == "/":
		return []string{"/"}
	default:
		dir := pattern[:slash]
		if slash == 0 {
			dir = "/"
		}
		for _, d := range g.expandDir(dir) {
			found = g.in(d, pattern[slash+1:], found)
		}
	}
	slices.Sort(found)
	return found
}

// expandDir gives the names that the directory part of a pattern may stand for.
// Whether a plain one exists shows when something is looked for in it.
func (g *globber) expandDir(dir string) []string {
	if !hasMagic(dir) {
		return []string{unescapeGlob(dir)}
	}
	return g.expand(dir)
}

// directories serves a pattern that ended in a slash: directories get the slash
// back. Other files match only if their last component is spelled out, and get
// none.
func (g *globber) directories(pattern string) []string {
	magic := hasMagic(pattern[strings.LastIndexByte(pattern, '/')+1:])
	var found []string
	for _, name := range g.expand(pattern) {
		info, err := g.host.Stat(name)
		switch {
		case err == nil && info.IsDir():
			found = append(found, name+"/")
		case !magic:
			found = append(found, name)
		}
	}
	return found
}

// in appends the names in one directory ("": the current one) that match the
// last component of a pattern.
func (g *globber) in(dir, base string, found []string) []string {
	prefix := dir
	if dir != "" && dir != "/" {
		prefix += "/"
	}
	if !hasMagic(base) {
		name := prefix + unescapeGlob(base)
		if g.exists(name) {
			found = append(found, name)
		}
		return found
	}
	list := dir
	if list == "" {
		list = "."
	}
	for name := range g.dirs.find(list).names {
		if Match(base, name) {
			found = append(found, prefix+name)
		}
	}
	return found
}

// exists looks at the file itself, not at the listing of its directory, which
// may be large. A dangling link exists.
func (g *globber) exists(name string) bool {
	_, err := lstat(g.host, name)
	return err == nil
}

// lstat looks at a link itself if the host can.
func lstat(host Host, name string) (fs.FileInfo, error) {
	if l, ok := host.(lstater); ok {
		return l.Lstat(name)
	}
	return host.Stat(name)
}

// hasMagic reports whether a pattern holds an unescaped *, ? or closed [ ].
func hasMagic(pattern string) bool {
	open := false
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '*', '?':
			return true
		case '\\':
			i++
		case '[':
			open = true
		case ']':
			if open {
				return true
			}
		}
	}
	return false
}

// unescapeGlob drops the backslashes that take characters literally.
func unescapeGlob(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
