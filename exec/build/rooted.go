package build

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fmake/cache"
)

// Paths in traces are relative to the project's root, so that results travel between
// clones. But some results hold the root's own path: a compiler writes it among what it
// tells the debugger, a script into what it generates. For these the root is an input like
// an environment variable. Who has the project elsewhere, or has moved it, does not get
// them.

// rootNames are the names under which the root is such an input: as it is, and as PWD has
// it, which may name it by links.
func rootNames() [2]string { return [2]string{"(root)", "(root by PWD)"} }

// rootPath returns what a name of those stands for, "" if it is none.
func (b *Build) rootPath(name string) string {
	switch names := rootNames(); name {
	case names[0]:
		return b.sp.root
	case names[1]:
		return b.rootByPWD()
	}
	return ""
}

// rootByPWD is the root as whoever believes PWD calls it: the working directory by that
// name, less what of it is below the root.
func (b *Build) rootByPWD() string { return b.pwdRoot() }

// findPWDRoot is rootByPWD when it is first asked for.
func (b *Build) findPWDRoot() string {
	pwd := filepath.Clean(b.env["PWD"])
	if real, err := evalLinks(pwd); err != nil || real != b.sp.cwd || !filepath.IsAbs(pwd) {
		return b.sp.root
	}
	return strings.TrimSuffix(pwd, strings.TrimPrefix(b.sp.cwd, b.sp.root))
}

// envValue is what a name among a trace's variables stands for now.
func (b *Build) envValue(env map[string]string, name string) (value string, set bool) {
	if p := b.rootPath(name); p != "" {
		return p, true
	}
	value, set = env[name]
	return value, set
}

// addRoot makes the root an input of a result that holds its path. One that is not stored
// need not travel, but its tree may be moved.
func (b *Build) addRoot(t *cache.Trace) {
	for _, name := range rootNames() {
		p := b.rootPath(name)
		if p == "/" || name != rootNames()[0] && p == b.sp.root || !b.holds(t, []byte(p)) {
			continue
		}
		t.Env = append(t.Env, cache.EnvInput{Name: name, Set: true, Value: cache.HashString(p)})
	}
	slices.SortFunc(t.Env, func(x, y cache.EnvInput) int { return strings.Compare(x.Name, y.Name) })
}

// holds reports whether what an action printed or left in the project holds a text.
func (b *Build) holds(t *cache.Trace, text []byte) bool {
	return slices.ContainsFunc(t.Chunks, func(c cache.Chunk) bool { return bytes.Contains(c.Data, text) }) ||
		slices.ContainsFunc(t.Outputs, func(o cache.Output) bool { return b.outputHolds(&o, text) })
}

func (b *Build) outputHolds(o *cache.Output, text []byte) bool {
	switch {
	case o.Path[0] == '/' || o.SameAs != "":
		return false
	case o.Type == typeLink:
		return strings.Contains(o.Link, string(text))
	case o.Type == cache.TypeSegment:
		data, err := b.bytesOf(o.Hash, o.Size)
		return err == nil && bytes.Contains(data, text)
	case o.Type != typeRegular:
		return false
	}
	f, err := os.Open(b.sp.abs(o.Path))
	if err != nil {
		return false // it is gone already
	}
	defer f.Close()
	found, err := contains(f, text, o.Size)
	return found || err != nil
}

// contains reports whether a text is in what r gives. size is a hint.
func contains(r io.Reader, text []byte, size int64) (bool, error) {
	const piece = 256 << 10
	buf := make([]byte, int(min(size+1, piece))+len(text))
	for kept := 0; ; {
		n, err := r.Read(buf[kept:])
		data := buf[:kept+n]
		if bytes.Contains(data, text) {
			return true, nil
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		kept = copy(buf, data[max(0, len(data)-len(text)+1):])
	}
}

// holdsRoot tells whether a result is of use only where the project is.
func (b *Build) holdsRoot(t *cache.Trace) bool {
	return slices.ContainsFunc(t.Env, func(e cache.EnvInput) bool { return b.rootPath(e.Name) != "" })
}
