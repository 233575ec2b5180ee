package server

import (
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// operation says how one kind of request is handled.
type operation struct {
	fixed  uintptr // size of the part of the request before names and data
	do     func(*superblock, *request) fuse.Status
	apart  bool // it may take long: not in place
	silent bool // the kernel wants no answer
}

// The kinds of requests: FUSE_* of <linux/fuse.h>.
const (
	opLookup        = 1
	opForget        = 2
	opGetAttr       = 3
	opSetAttr       = 4
	opReadlink      = 5
	opSymlink       = 6
	opMknod         = 8
	opMkdir         = 9
	opUnlink        = 10
	opRmdir         = 11
	opRename        = 12
	opLink          = 13
	opOpen          = 14
	opRead          = 15
	opWrite         = 16
	opStatFs        = 17
	opRelease       = 18
	opFsync         = 20
	opSetXAttr      = 21
	opGetXAttr      = 22
	opListXAttr     = 23
	opRemoveXAttr   = 24
	opInit          = 26
	opOpenDir       = 27
	opReadDir       = 28
	opReleaseDir    = 29
	opFsyncDir      = 30
	opSetLk         = 32
	opSetLkw        = 33
	opCreate        = 35
	opInterrupt     = 36
	opDestroy       = 38
	opIoctl         = 39
	opBatchForget   = 42
	opFallocate     = 43
	opRename2       = 45
	opLseek         = 46
	opCopyFileRange = 47
	opTmpfile       = 51
)

// operations are all that is answered. The kernel does without the others: it
// checks access itself, keeps locks of fcntl, and does not ask again for what
// was once refused with ENOSYS, such as FLUSH.
var operations = [...]operation{
	opLookup:        {fixed: sizeOf[fuse.InHeader](), do: doLookup},
	opForget:        {fixed: sizeOf[fuse.ForgetIn](), do: doForget, silent: true},
	opGetAttr:       {fixed: sizeOf[fuse.GetAttrIn](), do: doGetAttr},
	opSetAttr:       {fixed: sizeOf[fuse.SetAttrIn](), do: doSetAttr},
	opReadlink:      {fixed: sizeOf[fuse.InHeader](), do: doReadlink},
	opSymlink:       {fixed: sizeOf[fuse.InHeader](), do: doSymlink},
	opMknod:         {fixed: sizeOf[fuse.MknodIn](), do: doMknod},
	opMkdir:         {fixed: sizeOf[fuse.MkdirIn](), do: doMkdir},
	opUnlink:        {fixed: sizeOf[fuse.InHeader](), do: doUnlink},
	opRmdir:         {fixed: sizeOf[fuse.InHeader](), do: doRmdir},
	opRename:        {fixed: sizeOf[renameIn](), do: doRename, apart: true},
	opLink:          {fixed: sizeOf[fuse.LinkIn](), do: doLink},
	opOpen:          {fixed: sizeOf[fuse.OpenIn](), do: doOpen},
	opRead:          {fixed: sizeOf[fuse.ReadIn](), do: doRead},
	opWrite:         {fixed: sizeOf[fuse.WriteIn](), do: doWrite},
	opStatFs:        {fixed: sizeOf[fuse.InHeader](), do: doStatFs},
	opRelease:       {fixed: sizeOf[fuse.ReleaseIn](), do: doRelease},
	opFsync:         {fixed: sizeOf[fuse.FsyncIn](), do: doFsync, apart: true},
	opSetXAttr:      {fixed: sizeOf[setXAttrIn](), do: doSetXAttr},
	opGetXAttr:      {fixed: sizeOf[fuse.GetXAttrIn](), do: doGetXAttr},
	opListXAttr:     {fixed: sizeOf[fuse.GetXAttrIn](), do: doListXAttr},
	opRemoveXAttr:   {fixed: sizeOf[fuse.InHeader](), do: doRemoveXAttr},
	opOpenDir:       {fixed: sizeOf[fuse.OpenIn](), do: doOpenDir},
	opReadDir:       {fixed: sizeOf[fuse.ReadIn](), do: doReadDir},
	opReleaseDir:    {fixed: sizeOf[fuse.ReleaseIn](), do: doReleaseDir},
	opFsyncDir:      {fixed: sizeOf[fuse.FsyncIn](), do: doFsyncDir, apart: true},
	opSetLk:         {fixed: sizeOf[fuse.LkIn](), do: doSetLk},
	opSetLkw:        {fixed: sizeOf[fuse.LkIn](), do: doSetLkw, apart: true},
	opCreate:        {fixed: sizeOf[fuse.CreateIn](), do: doCreate},
	opInterrupt:     {fixed: sizeOf[fuse.InterruptIn](), do: doInterrupt, silent: true},
	opDestroy:       {fixed: sizeOf[fuse.InHeader](), do: doDestroy},
	opIoctl:         {fixed: sizeOf[fuse.IoctlIn](), do: doIoctl, apart: true},
	opBatchForget:   {fixed: sizeOf[batchForgetIn](), do: doBatchForget, silent: true},
	opFallocate:     {fixed: sizeOf[fuse.FallocateIn](), do: doFallocate, apart: true},
	opRename2:       {fixed: sizeOf[fuse.RenameIn](), do: doRename2, apart: true},
	opLseek:         {fixed: sizeOf[fuse.LseekIn](), do: doLseek},
	opCopyFileRange: {fixed: sizeOf[fuse.CopyFileRangeIn](), do: doCopyFileRange, apart: true},
	opTmpfile:       {fixed: sizeOf[fuse.CreateIn](), do: doTmpfile},
}

func sizeOf[T any]() uintptr { return unsafe.Sizeof(*new(T)) }

// parse cuts a request of n bytes. It returns nil for one that is not answered.
func (r *request) parse(n int) *operation {
	r.InHeader = input[fuse.InHeader](r)
	if n < int(sizeOf[fuse.InHeader]()) || int(r.Opcode) >= len(operations) {
		return nil
	}
	op := &operations[r.Opcode]
	if op.do == nil || n < int(op.fixed) {
		return nil
	}
	r.rest = r.in[op.fixed:n]
	return op
}

// Forms of requests that package fuse keeps to itself or has in a later form.
type (
	batchForgetIn struct {
		fuse.InHeader
		Count, Dummy uint32
	}
	forgetOne struct{ NodeID, Count uint64 }
	renameIn  struct {
		fuse.InHeader
		Newdir uint64
	}
	setXAttrIn struct {
		fuse.InHeader
		Size, Flags uint32
	}
)

func doLookup(s *superblock, r *request) fuse.Status {
	return s.Lookup(r.cancel, r.InHeader, r.name(), output[fuse.EntryOut](r))
}

func doForget(s *superblock, r *request) fuse.Status {
	s.Forget(r.NodeId, input[fuse.ForgetIn](r).Nlookup)
	return fuse.OK
}

func doBatchForget(s *superblock, r *request) fuse.Status {
	size := int(sizeOf[forgetOne]())
	count := min(int(input[batchForgetIn](r).Count), len(r.rest)/size)
	for i := range count {
		f := (*forgetOne)(unsafe.Pointer(&r.rest[i*size]))
		s.Forget(f.NodeID, f.Count)
	}
	return fuse.OK
}

func doInterrupt(s *superblock, r *request) fuse.Status {
	s.apart.interrupt(input[fuse.InterruptIn](r).Unique)
	return fuse.OK
}

func doDestroy(*superblock, *request) fuse.Status { return fuse.OK }

func doGetAttr(s *superblock, r *request) fuse.Status {
	return s.GetAttr(r.cancel, input[fuse.GetAttrIn](r), output[fuse.AttrOut](r))
}

func doSetAttr(s *superblock, r *request) fuse.Status {
	in := input[fuse.SetAttrIn](r)
	if _, sets := in.GetSize(); sets && r.cancel == nil && s.big(in.NodeId) {
		return later
	}
	return s.SetAttr(r.cancel, in, output[fuse.AttrOut](r))
}

func doReadlink(s *superblock, r *request) fuse.Status {
	text, code := s.Readlink(r.cancel, r.InHeader)
	r.fill(copy(r.space(uint32(len(text))), text))
	return code
}

func doSymlink(s *superblock, r *request) fuse.Status {
	name, target := r.names()
	return s.Symlink(r.cancel, r.InHeader, target, name, output[fuse.EntryOut](r))
}

func doMknod(s *superblock, r *request) fuse.Status {
	return s.Mknod(r.cancel, input[fuse.MknodIn](r), r.name(), output[fuse.EntryOut](r))
}

func doMkdir(s *superblock, r *request) fuse.Status {
	return s.Mkdir(r.cancel, input[fuse.MkdirIn](r), r.name(), output[fuse.EntryOut](r))
}

func doUnlink(s *superblock, r *request) fuse.Status {
	name := r.name()
	if r.cancel == nil && s.bigName(r.NodeId, name) {
		return later
	}
	return s.Unlink(r.cancel, r.InHeader, name)
}

func doRmdir(s *superblock, r *request) fuse.Status { return s.Rmdir(r.cancel, r.InHeader, r.name()) }

func doRename(s *superblock, r *request) fuse.Status {
	from, to := r.names()
	in := fuse.RenameIn{InHeader: *r.InHeader, Newdir: input[renameIn](r).Newdir}
	return s.Rename(r.cancel, &in, from, to)
}

func doRename2(s *superblock, r *request) fuse.Status {
	from, to := r.names()
	return s.Rename(r.cancel, input[fuse.RenameIn](r), from, to)
}

func doLink(s *superblock, r *request) fuse.Status {
	return s.Link(r.cancel, input[fuse.LinkIn](r), r.name(), output[fuse.EntryOut](r))
}

func doOpen(s *superblock, r *request) fuse.Status {
	in := input[fuse.OpenIn](r)
	if r.cancel == nil && modeOf(in.Flags).writes && s.big(in.NodeId) {
		return later
	}
	return s.Open(r.cancel, in, output[fuse.OpenOut](r))
}

func doCreate(s *superblock, r *request) fuse.Status {
	return s.Create(r.cancel, input[fuse.CreateIn](r), r.name(), output[fuse.CreateOut](r))
}

// doTmpfile drops the name, which is "/" and means nothing.
func doTmpfile(s *superblock, r *request) fuse.Status {
	return s.Tmpfile(r.cancel, input[fuse.CreateIn](r), output[fuse.CreateOut](r))
}

func doRelease(s *superblock, r *request) fuse.Status {
	s.Release(r.cancel, input[fuse.ReleaseIn](r))
	return fuse.OK
}

func doRead(s *superblock, r *request) fuse.Status {
	in := input[fuse.ReadIn](r)
	n, code := s.Read(r.cancel, in, r.space(in.Size))
	r.fill(n)
	return code
}

func doWrite(s *superblock, r *request) fuse.Status {
	in := input[fuse.WriteIn](r)
	data := r.rest[:min(int(in.Size), len(r.rest))]
	n, code := s.Write(r.cancel, in, data)
	output[fuse.WriteOut](r).Size = n
	return code
}

func doCopyFileRange(s *superblock, r *request) fuse.Status {
	n, code := s.CopyFileRange(r.cancel, input[fuse.CopyFileRangeIn](r))
	output[fuse.WriteOut](r).Size = n
	return code
}

func doLseek(s *superblock, r *request) fuse.Status {
	return s.Lseek(r.cancel, input[fuse.LseekIn](r), output[fuse.LseekOut](r))
}

func doFsync(s *superblock, r *request) fuse.Status {
	return s.Fsync(r.cancel, input[fuse.FsyncIn](r))
}

func doFallocate(s *superblock, r *request) fuse.Status {
	return s.Fallocate(r.cancel, input[fuse.FallocateIn](r))
}

func doStatFs(s *superblock, r *request) fuse.Status {
	return s.StatFs(r.cancel, r.InHeader, output[fuse.StatfsOut](r))
}

func doOpenDir(s *superblock, r *request) fuse.Status {
	return s.OpenDir(r.cancel, input[fuse.OpenIn](r), output[fuse.OpenOut](r))
}

func doReadDir(s *superblock, r *request) fuse.Status {
	in := input[fuse.ReadIn](r)
	list := fuse.NewDirEntryList(r.space(in.Size), in.Offset)
	code := s.ReadDir(r.cancel, in, list)
	r.fill(len(list.Bytes()))
	return code
}

func doReleaseDir(s *superblock, r *request) fuse.Status {
	s.ReleaseDir(input[fuse.ReleaseIn](r))
	return fuse.OK
}

func doFsyncDir(s *superblock, r *request) fuse.Status {
	return s.FsyncDir(r.cancel, input[fuse.FsyncIn](r))
}

func doGetXAttr(s *superblock, r *request) fuse.Status {
	dest := r.space(input[fuse.GetXAttrIn](r).Size)
	size, code := s.GetXAttr(r.cancel, r.InHeader, r.name(), dest)
	return r.attribute(len(dest), size, code)
}

func doListXAttr(s *superblock, r *request) fuse.Status {
	dest := r.space(input[fuse.GetXAttrIn](r).Size)
	size, code := s.ListXAttr(r.cancel, r.InHeader, dest)
	return r.attribute(len(dest), size, code)
}

// attribute answers with what was filled in, or with how much room it would
// take if there was none.
func (r *request) attribute(room int, size uint32, code fuse.Status) fuse.Status {
	if room == 0 {
		output[fuse.GetXAttrOut](r).Size = size
	} else {
		r.fill(int(size))
	}
	return code
}

func doSetXAttr(s *superblock, r *request) fuse.Status {
	old, name := input[setXAttrIn](r), r.name()
	in := fuse.SetXAttrIn{InHeader: old.InHeader, Size: old.Size, Flags: old.Flags}
	data := r.rest[min(len(name)+1, len(r.rest)):]
	return s.SetXAttr(r.cancel, &in, name, data[:min(int(in.Size), len(data))])
}

func doRemoveXAttr(s *superblock, r *request) fuse.Status {
	return s.RemoveXAttr(r.cancel, r.InHeader, r.name())
}

func doSetLk(s *superblock, r *request) fuse.Status {
	return s.SetLk(r.cancel, input[fuse.LkIn](r))
}

func doSetLkw(s *superblock, r *request) fuse.Status {
	return s.SetLkw(r.cancel, input[fuse.LkIn](r))
}

func doIoctl(s *superblock, r *request) fuse.Status {
	in, out := input[fuse.IoctlIn](r), output[fuse.IoctlOut](r)
	data := r.out[headSize+r.size:][:min(int(in.OutSize), len(r.out)-headSize-r.size)]
	clear(data)
	code := s.Ioctl(r.cancel, in, r.rest, out, data)
	r.fill(r.size + len(data))
	return code
}
