package remote

import (
	"fmt"
	"path"
	"slices"
	"strings"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
)

// leaf is something in the tree that an action finds on another machine. Of a directory
// that is not empty nothing need be said.
type leaf struct {
	path   string       // slash-separated and clean
	digest *repb.Digest // of a file
	exec   bool
	link   string // text of a link
	dir    bool
}

// folder is a directory while the tree is built.
type folder struct {
	files   map[string]*repb.FileNode
	links   map[string]*repb.SymlinkNode
	folders map[string]*folder
}

func newFolder() *folder {
	return &folder{files: make(map[string]*repb.FileNode), links: make(map[string]*repb.SymlinkNode), folders: make(map[string]*folder)}
}

// buildTree makes the directories of a tree of leaves. The digest of the root names all of
// it, whatever the order of the leaves.
func buildTree(f function, leaves []leaf) (root *repb.Digest, dirs []*blob, err error) {
	top := newFolder()
	for i := range leaves {
		if err := top.add(&leaves[i]); err != nil {
			return nil, nil, err
		}
	}
	seen := make(map[string]bool)
	root, err = top.pack(f, func(b *blob) {
		if !seen[b.digest.GetHash()] {
			seen[b.digest.GetHash()] = true
			dirs = append(dirs, b)
		}
	})
	return root, dirs, err
}

// add puts a leaf into its place.
func (d *folder) add(l *leaf) error {
	if l.path == "" || l.path[0] == '/' || path.Clean(l.path) != l.path || l.path == ".." || strings.HasPrefix(l.path, "../") {
		return fmt.Errorf("%q is no path in a tree", l.path)
	}
	if l.path == "." {
		return nil
	}
	parts := strings.Split(l.path, "/")
	name := parts[len(parts)-1]
	for i, p := range parts[:len(parts)-1] {
		if d = d.enter(p); d == nil {
			return fmt.Errorf("%q is below what is no directory", strings.Join(parts[:i+1], "/"))
		}
	}
	if l.dir {
		if d.enter(name) == nil {
			return fmt.Errorf("%q is a directory and something else", l.path)
		}
		return nil
	}
	if d.folders[name] != nil || d.links[name] != nil && l.link == "" || d.files[name] != nil && l.link != "" {
		return fmt.Errorf("%q is two things", l.path)
	}
	if l.link != "" {
		d.links[name] = &repb.SymlinkNode{Name: name, Target: l.link}
		return nil
	}
	d.files[name] = &repb.FileNode{Name: name, Digest: l.digest, IsExecutable: l.exec}
	return nil
}

// enter returns a directory in d, nil if something else has its name.
func (d *folder) enter(name string) *folder {
	if d.files[name] != nil || d.links[name] != nil {
		return nil
	}
	sub := d.folders[name]
	if sub == nil {
		sub = newFolder()
		d.folders[name] = sub
	}
	return sub
}

// pack makes contents of a directory and of all below it. What a directory holds is sorted
// by name: the API wants it so.
func (d *folder) pack(f function, emit func(*blob)) (*repb.Digest, error) {
	m := &repb.Directory{}
	for _, name := range sortedKeys(d.files) {
		m.Files = append(m.Files, d.files[name])
	}
	for _, name := range sortedKeys(d.links) {
		m.Symlinks = append(m.Symlinks, d.links[name])
	}
	for _, name := range sortedKeys(d.folders) {
		digest, err := d.folders[name].pack(f, emit)
		if err != nil {
			return nil, err
		}
		m.Directories = append(m.Directories, &repb.DirectoryNode{Name: name, Digest: digest})
	}
	b, err := pack(f, m)
	if err != nil {
		return nil, err
	}
	emit(b)
	return b.digest, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
