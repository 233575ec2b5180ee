package build

import (
	"path"
	"strings"

	"fmake/makefile"
	"fmake/tracefs"
)

// space knows what part of the file system a path belongs to. All paths in it
// are absolute with symbolic links resolved.
type space struct {
	root    string // the tree's root: the project
	cwd     string // where make runs, inside or below root
	home    string
	cache   string // fmake's own cache folder
	tmp     []string
	ambient []string
}

// newSpace makes the space of a build in cwd whose tree has a root.
func newSpace(root, cwd, cacheDir string, env map[string]string) *space {
	home := env["HOME"]
	s := &space{root: root, cwd: cwd, home: home, cache: cacheDir}
	s.tmp = tracefs.TempDirs(env["TMPDIR"])
	for _, a := range ambientPaths() {
		if rest, ok := strings.CutPrefix(a, "~/"); ok {
			if home == "" {
				continue
			}
			a = strings.TrimSuffix(home, "/") + "/" + rest
		}
		s.ambient = append(s.ambient, a)
	}
	return s
}

// within reports whether p is dir or lies below it.
func within(p, dir string) bool {
	if dir == "/" {
		return true
	}
	return len(p) >= len(dir) && p[:len(dir)] == dir && (len(p) == len(dir) || p[len(dir)] == '/')
}

// key turns an absolute path into the form that traces hold: "./x" inside the
// project, so that results travel between clones, else the path itself.
func (s *space) key(p string) string {
	if s.root == "/" || !within(p, s.root) {
		return p
	}
	if len(p) == len(s.root) {
		return "."
	}
	return "." + p[len(s.root):]
}

// abs is the inverse of key.
func (s *space) abs(k string) string {
	if k == "." {
		return s.root
	}
	if strings.HasPrefix(k, "./") {
		return s.root + k[1:]
	}
	return k
}

// target returns the absolute path of a name in the makefile.
func (s *space) target(name string) string {
	if name != "" && name[0] == '/' {
		return path.Clean(name)
	}
	return path.Clean(s.cwd + "/" + name)
}

func (s *space) inProject(p string) bool { return within(p, s.root) }

// isKernel is true for the trees that are the kernel's, not files.
func isKernel(p string) bool {
	for _, d := range []string{"/proc", "/sys", "/dev", "/run"} {
		if within(p, d) {
			return !strings.HasPrefix(p, "/dev/shm/")
		}
	}
	return false
}

// isTemp is true for paths in temporary directories, unless the project itself
// lies there.
func (s *space) isTemp(p string) bool {
	if s.inProject(p) {
		return false
	}
	for _, t := range s.tmp {
		if strings.HasPrefix(p, t) {
			return true
		}
	}
	return false
}

// isAmbient is true for caches that tools keep for themselves and for fmake's
// own.
func (s *space) isAmbient(p string) bool {
	if s.cache != "" && within(p, s.cache) {
		return true
	}
	for _, a := range s.ambient {
		if a[0] == '/' && strings.HasPrefix(p, a) || strings.Contains(p+"/", a) {
			return true
		}
	}
	return false
}

// isEditorName is true for the names that editors use for swap and backup files.
func isEditorName(name string) bool {
	for _, pat := range editorNames() {
		if ok, _ := path.Match(pat, name); ok {
			return true
		}
	}
	return false
}

// Root is the folder of the project.
func (b *Build) Root() string { return b.sp.root }

// Key is how traces call the file of a target.
func (b *Build) Key(f *makefile.File) string { return b.node(f).name }

// splitPath cuts a path of a trace into directory and name.
func splitPath(p string) (dir, name string) {
	i := strings.LastIndexByte(p, '/')
	if i < 0 {
		return "", p
	}
	return p[:i], p[i+1:]
}

func joinPath(dir, name string) string { return dir + "/" + name }
