package server

import (
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// inode is the identity of a file below us.
type inode struct{ dev, ino uint64 }

func inodeOf(st *syscall.Stat_t) inode { return inode{st.Dev, st.Ino} }

// node is a file that the kernel knows by number. All but id and kind is
// guarded by the table's lock.
type node struct {
	id   uint64
	kind uint32 // type bits of the mode; a change of type makes a new node

	path    string   // where it was last found; "" for the root
	aliases []string // its other names, for hard links
	parent  *node
	kids    map[string]*node
	lookups uint64
	st      syscall.Stat_t // as last told to the kernel
	gone    bool           // no name leads here any more

	held    []int       // descriptors of open handles, usable after the name is gone
	writers int         // handles that may write
	dirty   bool        // was written through this view since st was taken
	stale   bool        // cached pages are to be dropped at the next open
	outside atomic.Bool // a client writes it past the kernel's caches
	backing int32       // passthrough registration, 0 if none
	opath   int         // descriptor kept for backing and for files without a name, 0 if none
	way     int8        // of reading a system file: 0 undecided, 1 passthrough, -1 by request
	door    string      // the text of a link that stands for a FIFO or a socket, see doors.go
	label   *version    // of a label, nil for what is in the tree
	stub    bool        // what stands in the place of programs, see shells
	cap     int8        // has file capabilities: 0 unknown, 1 yes, -1 no
}

// table is what the kernel knows of one superblock.
type table struct {
	mu    sync.Mutex
	nodes map[uint64]*node
	links map[inode]*node // regular files with several names
	old   map[*version]*node
	stand *node // the last stub, see shells
	next  uint64
}

func newTable() *table {
	var st syscall.Stat_t
	// The root directory cannot be missing; without its stat it is told as it
	// is at the first GETATTR.
	_ = syscall.Lstat("/", &st)
	root := &node{id: fuse.FUSE_ROOT_ID, kind: syscall.S_IFDIR, lookups: 1, st: st}
	return &table{
		nodes: map[uint64]*node{root.id: root},
		links: map[inode]*node{},
		old:   map[*version]*node{},
		next:  fuse.FUSE_ROOT_ID + 1,
	}
}

func (t *table) get(id uint64) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nodes[id]
}

// pathOf returns where n is now.
func (t *table) pathOf(n *node) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return n.path
}

// child returns the path of a name in the directory with the given number.
func (t *table) child(dir uint64, name string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.nodes[dir]
	if d == nil || d.gone {
		return "", false
	}
	return d.path + "/" + name, true
}

// enter notes that the kernel is told of name in dir, and returns its node.
func (t *table) enter(dir uint64, name string, st *syscall.Stat_t) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.nodes[dir]
	if d == nil {
		return nil
	}
	if n := d.kids[name]; n != nil {
		if n.kind == st.Mode&syscall.S_IFMT && inodeOf(&n.st) == inodeOf(st) {
			n.lookups++
			n.refresh(st)
			return n
		}
		// Something else has taken the name; the kernel must not take it for
		// the file that it knew.
		t.detach(d, name)
	}
	path := d.path + "/" + name
	if n := t.linked(st); n != nil {
		n.lookups++
		n.refresh(st)
		n.aliases = append(n.aliases, path)
		d.adopt(name, n)
		return n
	}
	n := &node{id: t.next, kind: st.Mode & syscall.S_IFMT, path: path, parent: d, lookups: 1, st: *st}
	t.next++
	t.nodes[n.id] = n
	d.adopt(name, n)
	if st.Nlink > 1 && n.kind == syscall.S_IFREG {
		t.links[inodeOf(st)] = n
	}
	return n
}

// linked returns the node of a regular file that is known by another name.
func (t *table) linked(st *syscall.Stat_t) *node {
	if st.Nlink < 2 || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil
	}
	n := t.links[inodeOf(st)]
	if n == nil || n.gone {
		return nil
	}
	return n
}

func (d *node) adopt(name string, n *node) {
	if d.kids == nil {
		d.kids = map[string]*node{}
	}
	d.kids[name] = n
}

// refresh takes st as what the kernel is about to be told. A change that did
// not come through this view makes cached pages worthless.
func (n *node) refresh(st *syscall.Stat_t) {
	if n.changed(st) {
		n.stale = true
	}
	n.st = *st
	if n.writers == 0 {
		n.dirty = false
	}
}

// changed tells whether somebody else has changed the file since the kernel was
// last told of it.
func (n *node) changed(st *syscall.Stat_t) bool {
	if n.dirty || n.kind != syscall.S_IFREG {
		return false
	}
	o := &n.st
	return o.Ino != st.Ino || o.Dev != st.Dev || o.Size != st.Size || o.Mtim != st.Mtim || o.Ctim != st.Ctim && o.Nlink == st.Nlink && o.Mode == st.Mode
}

// unused tells whether nobody has open the regular file that n was, so that it may become the
// one that has taken its only name.
func (t *table) unused(n *node) bool {
	return n.kind == syscall.S_IFREG && len(n.held) == 0 && len(n.aliases) == 0 && n.opath == 0 && t.links[inodeOf(&n.st)] != n
}

// unlink notes that a name is gone.
func (t *table) unlink(dir uint64, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := t.nodes[dir]; d != nil {
		t.detach(d, name)
	}
}

// detach takes a name away from its node, which loses its place if it was the
// last one. Inode numbers are used again, so it cannot be found by its own.
func (t *table) detach(d *node, name string) {
	n := d.kids[name]
	if n == nil {
		return
	}
	delete(d.kids, name)
	path := d.path + "/" + name
	for i, a := range n.aliases {
		if a == path {
			n.aliases = append(n.aliases[:i], n.aliases[i+1:]...)
			return
		}
	}
	if len(n.aliases) > 0 {
		n.path = n.aliases[0]
		n.aliases = n.aliases[1:]
		return
	}
	n.gone = true
	if t.links[inodeOf(&n.st)] == n {
		delete(t.links, inodeOf(&n.st))
	}
}

// move notes a rename; exchange says that both names stay.
func (t *table) move(dir uint64, name string, newDir uint64, newName string, exchange bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, b := t.nodes[dir], t.nodes[newDir]
	if a == nil || b == nil {
		return
	}
	from, to := a.path+"/"+name, b.path+"/"+newName
	n, other := a.kids[name], b.kids[newName]
	if n == other && n != nil {
		return
	}
	if !exchange {
		t.detach(b, newName)
	}
	delete(a.kids, name)
	if n != nil {
		b.adopt(newName, n)
		n.relocate(from, to)
		n.parent = b
	}
	if exchange && other != nil {
		a.adopt(name, other)
		other.relocate(to, from)
		other.parent = a
	}
}

// relocate changes the name from of n to to, and the paths of all below.
func (n *node) relocate(from, to string) {
	if n.path != from {
		for i, a := range n.aliases {
			if a == from {
				n.aliases[i] = to
			}
		}
		return
	}
	n.path = to
	for name, kid := range n.kids {
		kid.relocate(from+"/"+name, to+"/"+name)
	}
}

// find returns the node of a path if the kernel knows it.
func (t *table) find(path string) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[fuse.FUSE_ROOT_ID]
	for name := range pathSegments(path) {
		if n = n.kids[name]; n == nil {
			return nil
		}
	}
	return n
}

// forget takes back what the kernel knew of a node. It returns the node when
// nothing is left of that, for its descriptors to be closed.
func (t *table) forget(id, count uint64) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[id]
	if n == nil || id == fuse.FUSE_ROOT_ID {
		return nil
	}
	n.lookups -= min(count, n.lookups)
	if n.lookups > 0 {
		return nil
	}
	delete(t.nodes, id)
	if n.label != nil {
		delete(t.old, n.label)
		return n
	}
	for _, path := range append([]string{n.path}, n.aliases...) {
		t.dropName(path, n)
	}
	if t.links[inodeOf(&n.st)] == n {
		delete(t.links, inodeOf(&n.st))
	}
	return n
}

// dropName removes the entry at path if it is n's.
func (t *table) dropName(path string, n *node) {
	d := t.nodes[fuse.FUSE_ROOT_ID]
	if n.parent != nil && len(n.aliases) == 0 {
		d, path = n.parent, path[len(n.parent.path):]
	}
	var last string
	for name := range pathSegments(path) {
		if last != "" {
			if d = d.kids[last]; d == nil {
				return
			}
		}
		last = name
	}
	if d.kids[last] == n {
		delete(d.kids, last)
	}
}

// A handle's number is its descriptor, counted from one. Handles without one
// have numbers of their own, with a high bit: they are told apart by locks only.
const bare = 1 << 62

func handle(fd int) uint64 { return uint64(fd) + 1 }

func descriptor(fh uint64) int { return int(fh) - 1 }

func hasDescriptor(fh uint64) bool { return fh != 0 && fh&bare == 0 }

// fdPath names an open descriptor for system calls that want a path.
func fdPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// reach returns a name for system calls on n, and whether it is a magic link,
// which has to be followed.
func (t *table) reach(n *node) (path string, link bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if fd, ok := n.descriptor(); ok && n.gone {
		return fdPath(fd), true
	}
	if n.path == "" {
		return "/", false
	}
	return n.path, false
}

// descriptor returns any descriptor that is open on n.
func (n *node) descriptor() (int, bool) {
	if n.opath > 0 {
		return n.opath, true
	}
	if len(n.held) > 0 {
		return n.held[0], true
	}
	return 0, false
}

// stat returns n's state now.
func (t *table) stat(n *node) (syscall.Stat_t, error) {
	t.mu.Lock()
	fd, open := n.descriptor()
	path, gone, known := n.path, n.gone, n.st
	t.mu.Unlock()
	var st syscall.Stat_t
	if open {
		err := raw.Fstat(fd, &st)
		return st, err
	}
	if gone {
		known.Nlink = 0
		return known, nil
	}
	if path == "" {
		path = "/"
	}
	if err := raw.Lstat(path, &st); err != nil {
		return st, err
	}
	if st.Mode&syscall.S_IFMT != n.kind || inodeOf(&st) != inodeOf(&known) && n.id != fuse.FUSE_ROOT_ID {
		// Replaced by somebody else: the kernel has to look the name up again.
		return st, unix.ESTALE
	}
	return st, nil
}

// hold notes an open handle.
func (t *table) hold(n *node, fd int, writes bool) {
	t.mu.Lock()
	n.held = append(n.held, fd)
	if writes {
		n.writers++
		n.dirty = true
	}
	t.mu.Unlock()
}

// drop notes that a handle is about to be closed.
func (t *table) drop(n *node, fd int, writes bool) {
	t.mu.Lock()
	for i, h := range n.held {
		if h == fd {
			n.held = append(n.held[:i], n.held[i+1:]...)
			break
		}
	}
	if writes && n.writers > 0 {
		n.writers--
	}
	t.mu.Unlock()
}

// pathSegments yields the names in an absolute path.
func pathSegments(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for path != "" {
			for path != "" && path[0] == '/' {
				path = path[1:]
			}
			end := 0
			for end < len(path) && path[end] != '/' {
				end++
			}
			if end > 0 && !yield(path[:end]) {
				return
			}
			path = path[end:]
		}
	}
}

// bigFile is the size from which truncating or removing a file, or saving its
// content before that, may take long.
const bigFile = 1 << 20

// big tells whether a file was big when the kernel was last told of it.
func (t *table) big(id uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[id]
	return n != nil && n.st.Size >= bigFile
}

// bigName is big for a name in a directory.
func (t *table) bigName(dir uint64, name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.nodes[dir]
	if d == nil {
		return false
	}
	n := d.kids[name]
	return n != nil && n.st.Size >= bigFile
}
