package server

import (
	"fmt"
	"slices"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs/wire"
)

// # Labels
//
// In a view with labels, what is at a path depends on who looks. A process that opens or
// executes a file of an application takes the application's label, its children inherit
// it (labelprocs.go), and from then on it finds at each path that the label speaks of what
// the label says. Others find what is in the tree.
//
// What one process is told the kernel must not tell another. So a name of which any label
// speaks is never cached: the kernel asks at each look-up. And each version is a node of
// its own, which the kernel takes for another file: files that are open, mapped or executed
// stay what they are, whatever is looked up by that name next. Below a folder of a label
// all is the label's, and may be cached as long as the kernel likes: nobody gets there but
// by that folder's node.
//
// Versions cannot be changed, and for who has a label neither can the names.

// labelled is what the labels of a view say, and who has one.
type labelled struct {
	labels []*label
	strict bool
	tell   func(text string)
	told   sync.WaitGroup // messages that are on their way
	procs  labelProcs
}

// label is one label.
type label struct {
	name     string
	apps     []string
	versions map[string]*version
	kids     map[string][]*version // by the folder that they are in
}

// version is what a label says of one path.
type version struct {
	wire.LabelEntry
	label *label
}

// newLabelled makes the labels of a view that stands at root in the spawner's namespace.
func newLabelled(list []wire.Label, strict bool, root string, spawner int) *labelled {
	l := &labelled{strict: strict, tell: func(string) {}}
	l.procs = newLabelProcs(l, root, spawner)
	for _, m := range list {
		b := &label{name: m.Name, apps: m.Apps, versions: map[string]*version{}, kids: map[string][]*version{}}
		for _, e := range m.Entries {
			v := &version{e, b}
			b.versions[e.Path] = v
			b.kids[parentOf(e.Path)] = append(b.kids[parentOf(e.Path)], v)
		}
		l.labels = append(l.labels, b)
	}
	return l
}

// tellTo says how messages reach the user. Who has one never waits until it has arrived.
func (l *labelled) tellTo(f func(text string)) {
	l.tell = func(text string) { l.told.Go(func() { f(text) }) }
}

func (v *version) kind() uint32 { return v.Mode & unix.S_IFMT }

func (v *version) name() string { return v.Path[len(parentOf(v.Path))+1:] }

// absent is what a label says of the names in its folders that it does not have.
var absent = &version{}

// at returns what the label says of a path, nil if it does not speak of it.
func (b *label) at(path string) *version {
	if v := b.versions[path]; v != nil {
		return v
	}
	if up := b.versions[parentOf(path)]; up != nil && up.kind() == unix.S_IFDIR {
		return absent
	}
	return nil
}

// speaksOf tells whether any label has something to say of a path.
func (l *labelled) speaksOf(path string) bool {
	return slices.ContainsFunc(l.labels, func(b *label) bool { return b.at(path) != nil })
}

// at returns what a path is for a process, nil if that is what is in the tree. Of labels
// that disagree the one counts that was taken first.
func (l *labelled) at(path string, tid uint32) *version {
	return among(l.procs.labelsOf(tid), path)
}

// labelsFor returns the labels of the applications that a file belongs to.
func (l *labelled) labelsFor(path string) (list []*label) {
	for _, b := range l.labels {
		if underAny(path, b.apps) {
			list = append(list, b)
		}
	}
	return list
}

// disagree returns a path of which two labels say different things.
func disagree(a, b *label) (path string, found bool) {
	for p, v := range b.versions {
		w := a.at(p)
		if w == nil || w.Mode == v.Mode && w.Text == v.Text && w.Content == v.Content {
			continue
		}
		if !found || p < path { // the first one, so that messages are the same each time
			path, found = p, true
		}
	}
	return path, found
}

// disagreement says of a process that has taken some labels why it should not take one
// more, "" if there is no reason.
func disagreement(has []*label, b *label) string {
	for _, a := range has {
		if path, found := disagree(a, b); found {
			return fmt.Sprintf("labels %s and %s disagree about %s", a.name, b.name, path)
		}
	}
	return ""
}

// listing lists a folder of a label.
func (l *labelled) listing(dir *version) []fuse.DirEntry {
	list := []fuse.DirEntry{{Name: ".", Mode: unix.S_IFDIR}, {Name: "..", Mode: unix.S_IFDIR}}
	for _, v := range dir.label.kids[dir.Path] {
		if v.Mode != 0 {
			list = append(list, fuse.DirEntry{Name: v.name(), Mode: v.Mode})
		}
	}
	return list
}

// merge makes of what a folder of the tree has what a process finds there.
func (l *labelled) merge(dir string, tree []fuse.DirEntry, tid uint32) []fuse.DirEntry {
	has := l.procs.labelsOf(tid)
	if !slices.ContainsFunc(has, func(b *label) bool { return b.at(dir) != nil || b.kids[dir] != nil }) {
		return tree
	}
	merged := slices.DeleteFunc(tree, func(e fuse.DirEntry) bool {
		return e.Name != "." && e.Name != ".." && among(has, dir+"/"+e.Name) != nil
	})
	known := map[string]bool{}
	for _, b := range has {
		for _, v := range b.kids[dir] {
			if v.Mode != 0 && !known[v.Path] && among(has, v.Path) == v {
				known[v.Path] = true
				merged = append(merged, fuse.DirEntry{Name: v.name(), Mode: v.Mode})
			}
		}
	}
	return merged
}

// among returns what the first of some labels that speaks of a path says of it.
func among(has []*label, path string) *version {
	for _, b := range has {
		if v := b.at(path); v != nil {
			return v
		}
	}
	return nil
}
