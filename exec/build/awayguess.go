package build

import (
	"bufio"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// Of a recipe that has never run here, or whose text has changed, it is guessed what it
// reads: what an earlier run elsewhere has looked at, its prerequisites, the files that it
// names, and what these include. If that is not all, it fails there.

// mostScanned is the size up to which a file is looked through for what it includes.
const mostScanned = 1 << 20

// guess adds that.
func (s *shipment) guess() {
	b, f := s.b, s.a.f
	for _, key := range s.storedPaths() {
		s.add(key)
	}
	var begin []string
	for _, d := range f.Deps {
		if d.File != nil && !d.OrderOnly {
			begin = append(begin, b.sp.key(b.w.realFile(b.node(d.File).path)))
		}
	}
	var include []string
	for _, w := range recipeWords(s.a.n.recipe.text) {
		key := s.key(w)
		if st, ok := b.w.lstat(b.sp.abs(key)); ok && strings.HasPrefix(key, ".") {
			if st.Mode&unix.S_IFMT == unix.S_IFDIR {
				include = append(include, key)
			}
			begin = append(begin, key)
		}
	}
	s.scan(begin, include)
}

// storedPaths are those that runs of the same recipe have looked at, as the store knows.
func (s *shipment) storedPaths() (keys []string) {
	n := s.a.n
	if !n.asked { // else it was when the recipe was looked up
		n.sets, _ = s.j.client.PathSets(s.b.recipeKey(s.a.f, n).full) // what is not known is guessed
		n.asked = true
	}
	sets := n.sets
	for _, set := range sets {
		for _, p := range set.Paths {
			switch {
			case p.Path[0] == '.' && p.Kind != cache.InputListing:
				keys = append(keys, p.Path)
			case isSystem(p.Path) && p.Kind != cache.InputAbsent:
				s.system(p.Path)
			}
		}
	}
	return keys
}

// key is how traces call what a word of the recipe names.
func (s *shipment) key(word string) string {
	return s.b.sp.key(s.b.w.realFile(s.b.sp.target(word)))
}

// scan adds files, and what they include.
func (s *shipment) scan(files, include []string) {
	met := make(map[string]bool)
	for len(files) > 0 && s.why == "" {
		key := files[len(files)-1]
		files = files[:len(files)-1]
		if met[key] || key == "" || key[0] != '.' || len(met) > mostSent {
			continue
		}
		met[key] = true
		s.add(key)
		if s.j.sent[key] == nil || !includes(key) {
			continue
		}
		dirs := append([]string{path.Dir(key)}, include...)
		for _, name := range includedBy(s.b.sp.abs(key)) {
			for _, d := range dirs {
				p := s.b.w.realFile(s.b.sp.abs(joinPath(strings.TrimSuffix(keyed(d), "/"), name)))
				if next := s.b.sp.key(filepath.Clean(p)); s.b.exists(p) {
					files = append(files, next)
				}
			}
		}
	}
}

// keyed makes a path that was cleaned one of a trace again.
func keyed(p string) string {
	if p == "." || strings.HasPrefix(p, "./") || strings.HasPrefix(p, "/") {
		return p
	}
	return "./" + p
}

// includes is true for files that may include others.
func includes(key string) bool {
	return slices.Contains([]string{".c", ".h", ".cc", ".hh", ".cpp", ".hpp", ".cxx", ".hxx", ".C", ".H", ".S", ".inc", ".inl", ".ipp", ".m", ".def"}, path.Ext(key))
}

// includedBy lists the names behind #include in a file.
func includedBy(p string) (names []string) {
	f, err := os.Open(p)
	if err != nil {
		return nil
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size() > mostScanned {
		return nil
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "#")
		if !ok {
			continue
		}
		if rest, ok = strings.CutPrefix(strings.TrimSpace(rest), "include"); !ok {
			continue
		}
		rest = strings.TrimSpace(strings.TrimPrefix(rest, "_next"))
		if len(rest) < 2 {
			continue
		}
		end := map[byte]string{'"': `"`, '<': ">"}[rest[0]]
		if name, _, ok := strings.Cut(rest[1:], end); end != "" && ok && name != "" {
			names = append(names, name)
		}
	}
	return names
}

// recipeWords lists the words of a recipe that may name files, with what options have
// behind a letter or an equals sign.
func recipeWords(text string) (list []string) {
	for _, w := range words(strings.ReplaceAll(text, "\\\n", " ")) {
		w = strings.TrimLeft(w, "@+")
		if strings.HasPrefix(w, "-") {
			if _, value, ok := strings.Cut(w, "="); ok {
				w = value
			} else if len(w) > 2 && w[1] != '-' {
				w = w[2:]
			}
		}
		if strings.HasPrefix(w, "-") || w == "" || w[0] == '/' || strings.ContainsAny(w, "*?[$") {
			continue
		}
		list = append(list, strings.TrimRight(w, "/,:"))
	}
	return slices.DeleteFunc(list, func(w string) bool { return w == "" })
}

// mentionedOutputs lists what the recipe names and is not there, and what compilers leave
// beside a target.
func (s *shipment) mentionedOutputs() (keys []string) {
	for _, w := range recipeWords(s.a.n.recipe.text) {
		key := s.b.sp.key(s.b.sp.target(w))
		if strings.ContainsAny(w, "./") && strings.HasPrefix(key, "./") && s.j.sent[key] == nil && !s.dirs[key] {
			keys = append(keys, key)
		}
	}
	for _, p := range s.a.targets() {
		key := s.b.sp.key(p)
		keys = append(keys, strings.TrimSuffix(key, path.Ext(key))+".d", key+".d")
	}
	return keys
}
