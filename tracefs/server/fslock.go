package server

import (
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Locks made by flock(2) are passed down, so that recipes in different views
// exclude each other as they do without views. Locks made by fcntl(2) are kept
// by the kernel per view.

// lockFiles holds the descriptors of handles that have none otherwise and whose
// file was locked.
type lockFiles struct {
	mu   sync.Mutex
	open map[uint64]int
}

// lockFD returns the descriptor that stands for a handle in locks.
func (s *superblock) lockFD(id, fh uint64) (int, fuse.Status) {
	if hasDescriptor(fh) {
		return descriptor(fh), fuse.OK
	}
	n := s.get(id)
	if n == nil {
		return 0, fuse.Status(syscall.ESTALE)
	}
	s.locks.mu.Lock()
	defer s.locks.mu.Unlock()
	if fd, ok := s.locks.open[fh]; ok {
		return fd, fuse.OK
	}
	path, _ := s.reach(n)
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, fuse.ToStatus(err)
	}
	if s.locks.open == nil {
		s.locks.open = map[uint64]int{}
	}
	s.locks.open[fh] = fd
	return fd, fuse.OK
}

// unlock releases what a handle without a descriptor has locked.
func (s *superblock) unlock(fh uint64) {
	s.locks.mu.Lock()
	fd, ok := s.locks.open[fh]
	delete(s.locks.open, fh)
	s.locks.mu.Unlock()
	if ok {
		syscall.Close(fd)
	}
}

// SetLk answers its request.
func (s *superblock) SetLk(_ <-chan struct{}, in *fuse.LkIn) fuse.Status {
	fd, code := s.lockFD(in.NodeId, in.Fh)
	if !code.Ok() {
		return code
	}
	return fuse.ToStatus(unix.Flock(fd, flockOp(in)|unix.LOCK_NB))
}

// SetLkw answers its request. It asks again and again rather than
// blocking in the system call, from which a signal to the caller could not get
// us out.
func (s *superblock) SetLkw(cancel <-chan struct{}, in *fuse.LkIn) fuse.Status {
	fd, code := s.lockFD(in.NodeId, in.Fh)
	if !code.Ok() {
		return code
	}
	const longest = 20 * time.Millisecond
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, longest) {
		err := unix.Flock(fd, flockOp(in)|unix.LOCK_NB)
		if err != unix.EWOULDBLOCK {
			return fuse.ToStatus(err)
		}
		select {
		case <-cancel:
			return fuse.EINTR
		case <-time.After(pause):
		}
	}
}

// flockOp translates the kind of lock.
func flockOp(in *fuse.LkIn) int {
	switch in.Lk.Typ {
	case unix.F_RDLCK:
		return unix.LOCK_SH
	case unix.F_WRLCK:
		return unix.LOCK_EX
	}
	return unix.LOCK_UN
}

// attributeCalls are the ioctls that are passed down: those of lsattr, chattr
// and xfs_io, which need no more than the bytes that come with them.
var attributeCalls = [...]uint32{
	unix.FS_IOC_GETFLAGS,
	unix.FS_IOC_SETFLAGS,
	0x801c581f, // FS_IOC_FSGETXATTR
	0x401c5820, // FS_IOC_FSSETXATTR
}

// Ioctl answers its request.
func (s *superblock) Ioctl(_ <-chan struct{}, in *fuse.IoctlIn, inbuf []byte, _ *fuse.IoctlOut, outbuf []byte) fuse.Status {
	known := false
	for _, c := range attributeCalls {
		known = known || c == in.Cmd
	}
	if !known {
		return fuse.Status(syscall.ENOTTY)
	}
	fd, code := s.ioctlFD(in)
	if !code.Ok() {
		return code
	}
	var buf [64]byte
	copy(buf[:], inbuf)
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), uintptr(in.Cmd), uintptr(unsafe.Pointer(&buf)))
	if errno != 0 {
		return fuse.Status(errno)
	}
	copy(outbuf, buf[:])
	return fuse.OK
}

func (s *superblock) ioctlFD(in *fuse.IoctlIn) (int, fuse.Status) {
	if in.Flags&fuse.IOCTL_DIR == 0 {
		return s.readable(in.NodeId, in.Fh)
	}
	h := s.dirs.get(in.Fh)
	if h == nil {
		return 0, fuse.EBADF
	}
	return h.fd, fuse.OK
}
