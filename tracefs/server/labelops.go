package server

import (
	"os"
	"syscall"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// doLabelled handles a request in a view with labels.
func (s *superblock) doLabelled(op *operation, r *request) fuse.Status {
	n := s.get(r.NodeId)
	switch {
	case n == nil:
		return op.do(s, r) // which says so
	case n.label != nil:
		return s.doVersion(op, r, n)
	}
	switch r.Opcode {
	case opLookup:
		return s.lookupLabelled(op, r, n)
	case opOpen:
		return s.openLabelled(op, r, n)
	case opMknod, opMkdir, opUnlink, opRmdir, opCreate, opLink:
		if s.fixed(r, n, r.name()) {
			return fuse.EROFS
		}
	case opSymlink:
		if name, _ := r.names(); s.fixed(r, n, name) {
			return fuse.EROFS
		}
	case opRename, opRename2:
		if s.renameFixed(r, n) {
			return fuse.EROFS
		}
	}
	if r.Opcode == opLink && s.isVersion(input[fuse.LinkIn](r).Oldnodeid) {
		return fuse.Status(syscall.EXDEV)
	}
	return op.do(s, r)
}

// fixed tells whether a name in a folder of the tree is one that a label of the caller
// speaks of: it cannot be changed.
func (s *superblock) fixed(r *request, dir *node, name string) bool {
	path := s.pathOf(dir) + "/" + name
	return s.view.labels.speaksOf(path) && s.view.labels.at(path, r.Pid) != nil
}

// renameFixed is fixed for both names of a rename.
func (s *superblock) renameFixed(r *request, dir *node) bool {
	from, to := r.names()
	other := s.get(input[renameIn](r).Newdir) // in the same place in both forms of the request
	return s.fixed(r, dir, from) || other != nil && (other.label != nil || s.fixed(r, other, to))
}

func (s *superblock) isVersion(id uint64) bool {
	n := s.get(id)
	return n != nil && n.label != nil
}

// lookupLabelled looks a name up in a folder of the tree.
func (s *superblock) lookupLabelled(op *operation, r *request, dir *node) fuse.Status {
	l := s.view.labels
	path := s.pathOf(dir) + "/" + r.name()
	if !l.speaksOf(path) {
		return op.do(s, r)
	}
	if v := l.at(path, r.Pid); v != nil {
		return s.foundVersion(r, v, 0)
	}
	code := op.do(s, r)
	if code == fuse.OK {
		answer[fuse.EntryOut](r).EntryValid = 0
	}
	return code
}

// answer is the answer that another handler has filled in.
func answer[T any](r *request) *T { return (*T)(unsafe.Pointer(&r.out[headSize])) }

// foundVersion answers a look-up with a version, which the kernel may keep for some seconds.
func (s *superblock) foundVersion(r *request, v *version, valid uint64) fuse.Status {
	if v.Mode == 0 {
		if valid == 0 {
			return fuse.ENOENT
		}
		output[fuse.EntryOut](r).EntryValid = valid
		return fuse.OK
	}
	n, err := s.enterVersion(v)
	if err != nil {
		return fuse.ToStatus(err)
	}
	out := output[fuse.EntryOut](r)
	out.NodeId, out.Generation = n.id, 1
	out.EntryValid, out.AttrValid = valid, forever
	s.versionAttr(n, &out.Attr)
	return fuse.OK
}

// openLabelled opens a file of the tree. One that belongs to an application gives the
// caller its label.
func (s *superblock) openLabelled(op *operation, r *request, n *node) fuse.Status {
	s.mu.Lock()
	paths := append([]string{n.path}, n.aliases...)
	s.mu.Unlock()
	l := s.view.labels
	l.procs.meet(r.Pid)
	for _, p := range paths {
		for _, b := range l.labelsFor(p) {
			if !l.procs.take(r.Pid, b) {
				return fuse.EACCES
			}
		}
	}
	return op.do(s, r)
}

// enterVersion notes that the kernel is told of a version, and returns its node.
func (s *superblock) enterVersion(v *version) (*node, error) {
	var st syscall.Stat_t
	if v.kind() == syscall.S_IFREG {
		if err := raw.Lstat(v.Content, &st); err != nil {
			return nil, unix.EIO // the content is lost: that is not the same as no file
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.old[v]; n != nil {
		n.lookups++
		n.refresh(&st)
		return n, nil
	}
	n := &node{id: s.next, kind: v.kind(), path: v.Path, lookups: 1, st: st, label: v}
	if n.kind == syscall.S_IFREG {
		n.path = v.Content
	}
	s.next++
	s.nodes[n.id], s.old[v] = n, n
	return n, nil
}

// versionAttr fills in the attributes of a version.
func (s *superblock) versionAttr(n *node, out *fuse.Attr) {
	v := n.label
	st := syscall.Stat_t{
		Ino: 1<<48 | n.id, Nlink: 1, Mode: v.Mode, Uid: v.UID, Gid: v.GID, Size: v.Size, Blocks: (v.Size + 511) / 512,
		Blksize: blockSize, Mtim: unixTime(v.Mtime), Ctim: unixTime(v.Mtime), Atim: unixTime(v.Mtime),
	}
	if n.kind == syscall.S_IFLNK {
		st.Size = int64(len(v.Text))
	}
	out.FromStat(&st)
	if s.engine.userns {
		mapVersionOwner(v, out)
	}
}

func unixTime(ns int64) syscall.Timespec { return syscall.NsecToTimespec(ns) }

// mapVersionOwner is mapOwner for a version, which no system call can be asked about.
func mapVersionOwner(v *version, out *fuse.Attr) {
	uid, gid := uint32(os.Geteuid()), uint32(os.Getegid())
	out.Uid, out.Gid = uid, gid
	if v.UID == uid || v.kind() == unix.S_IFLNK {
		return
	}
	rights := v.Mode & 0o7
	if v.GID == gid {
		rights = v.Mode >> 3 & 0o7
	}
	out.Mode = out.Mode&^0o700 | rights<<6
}

// doVersion handles a request on a version. It cannot be changed.
func (s *superblock) doVersion(op *operation, r *request, n *node) fuse.Status {
	switch r.Opcode {
	case opLookup:
		return s.foundVersion(r, n.label.label.below(n.label, r.name()), forever)
	case opGetAttr:
		out := output[fuse.AttrOut](r)
		out.AttrValid = forever
		s.versionAttr(n, &out.Attr)
		return fuse.OK
	case opReadlink:
		r.fill(copy(r.space(uint32(len(n.label.Text))), n.label.Text))
		return fuse.OK
	case opOpen:
		if modeOf(input[fuse.OpenIn](r).Flags).writes {
			return fuse.EROFS
		}
	case opOpenDir:
		output[fuse.OpenOut](r).Fh = s.dirs.add(&dirHandle{fd: -1, node: n})
		return fuse.OK
	case opStatFs: // the path may not be there
		h := *r.InHeader
		h.NodeId = fuse.FUSE_ROOT_ID
		return s.StatFs(r.cancel, &h, output[fuse.StatfsOut](r))
	case opGetXAttr:
		return fuse.ENODATA
	case opListXAttr:
		return r.attribute(int(input[fuse.GetXAttrIn](r).Size), 0, fuse.OK)
	case opSetAttr, opSetXAttr, opRemoveXAttr, opSymlink, opMknod, opMkdir, opUnlink, opRmdir, opRename, opRename2, opLink, opCreate, opTmpfile, opWrite, opFallocate:
		return fuse.EROFS
	case opIoctl:
		return fuse.Status(syscall.ENOTTY)
	}
	return op.do(s, r)
}

// below returns what is by a name in a folder of the label.
func (b *label) below(dir *version, name string) *version {
	if v := b.versions[dir.Path+"/"+name]; v != nil {
		return v
	}
	return absent
}
