package server

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// Read answers its request, with a simpler result.
func (s *superblock) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (int, fuse.Status) {
	fd, code := s.readable(in.NodeId, in.Fh)
	if !code.Ok() {
		return 0, code
	}
	if cancel == nil {
		if n, err := raw.ReadCached(fd, buf, int64(in.Offset)); err != unix.EOPNOTSUPP {
			return n, orLater(err)
		}
	}
	n, err := syscall.Pread(fd, buf, int64(in.Offset))
	return max(n, 0), fuse.ToStatus(err)
}

// orLater turns the error of a call that was not to wait into a status.
func orLater(err error) fuse.Status {
	if err == unix.EAGAIN {
		return later
	}
	return fuse.ToStatus(err)
}

// readable returns a descriptor to read with.
func (s *superblock) readable(id, fh uint64) (int, fuse.Status) {
	if hasDescriptor(fh) {
		return descriptor(fh), fuse.OK
	}
	n := s.get(id)
	if n == nil {
		return 0, fuse.Status(syscall.ESTALE)
	}
	return s.keptFD(n)
}

// lent returns a descriptor to read with for one request, and what gives it back. Files that
// the kernel reads by itself have none: one to keep for each that a recipe copies would be
// twice as many as it reads.
func (s *superblock) lent(id, fh uint64) (fd int, giveBack func(), code fuse.Status) {
	if n := s.get(id); n != nil && !hasDescriptor(fh) {
		if fd, ok := s.openAgain(n); ok {
			return fd, func() { raw.Close(fd) }, fuse.OK
		}
	}
	fd, code = s.readable(id, fh)
	return fd, func() {}, code
}

// openAgain opens a file that the kernel reads by itself.
func (s *superblock) openAgain(n *node) (fd int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.backing == 0 || len(n.held) > 0 {
		return 0, false
	}
	fd, err := raw.Open(fdPath(n.opath), syscall.O_RDONLY|syscall.O_CLOEXEC)
	return fd, err == nil
}

// Write answers its request.
func (s *superblock) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	if !hasDescriptor(in.Fh) {
		if s.view != nil {
			if g := s.view.segments.of(in.Fh); g != nil {
				return g.write(data)
			}
		}
		return 0, fuse.EBADF
	}
	fd := descriptor(in.Fh)
	done := 0
	for done < len(data) {
		n, err := syscall.Pwrite(fd, data[done:], int64(in.Offset)+int64(done))
		if err != nil {
			if done > 0 {
				break
			}
			return 0, fuse.ToStatus(err)
		}
		done += n
	}
	if in.WriteFlags&fuse.WRITE_KILL_SUIDGID != 0 {
		var st syscall.Stat_t
		if syscall.Fstat(fd, &st) == nil {
			dropPrivileges(fd, &st)
		}
	}
	return uint32(done), fuse.OK
}

// CopyFileRange answers its request.
func (s *superblock) CopyFileRange(_ <-chan struct{}, in *fuse.CopyFileRangeIn) (uint32, fuse.Status) {
	from, giveBack, code := s.lent(in.NodeId, in.FhIn)
	defer giveBack()
	if !code.Ok() || !hasDescriptor(in.FhOut) {
		return 0, fuse.EBADF
	}
	offIn, offOut := int64(in.OffIn), int64(in.OffOut)
	// The answer has room for 32 bits; the caller asks again for the rest.
	n, err := unix.CopyFileRange(from, &offIn, descriptor(in.FhOut), &offOut, int(min(in.Len, 1<<30)), 0)
	if err != nil {
		return 0, fuse.ToStatus(err)
	}
	return uint32(n), fuse.OK
}

// Lseek answers its request: the kernel asks for data and holes only.
func (s *superblock) Lseek(_ <-chan struct{}, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	fd, giveBack, code := s.lent(in.NodeId, in.Fh)
	defer giveBack()
	if !code.Ok() {
		return code
	}
	off, err := unix.Seek(fd, int64(in.Offset), int(in.Whence))
	if err != nil {
		return fuse.ToStatus(err)
	}
	out.Offset = uint64(off)
	return fuse.OK
}

// Fsync answers its request.
func (s *superblock) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	if !hasDescriptor(in.Fh) {
		return fuse.OK
	}
	if in.FsyncFlags&1 != 0 {
		return fuse.ToStatus(syscall.Fdatasync(descriptor(in.Fh)))
	}
	return fuse.ToStatus(syscall.Fsync(descriptor(in.Fh)))
}

// Fallocate answers its request.
func (s *superblock) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	if !hasDescriptor(in.Fh) {
		return fuse.EBADF
	}
	return fuse.ToStatus(syscall.Fallocate(descriptor(in.Fh), in.Mode, int64(in.Offset), int64(in.Length)))
}
