// Package raw makes system calls without telling Go's scheduler.
//
// It is for calls that hardly ever wait, made thousands of times a second by the
// server's workers. A call of package syscall may be taken for one that waits:
// the runtime's monitor thread then hands the processor to another thread and
// goes on watching closely, which costs more than the call. Made here, a call
// that does wait, for a disk say, keeps one of the scheduler's processors busy;
// the server has enough of them.
package raw

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cwd is AT_FDCWD as an argument.
const cwd = ^uintptr(-unix.AT_FDCWD - 1)

// path is room for a path with its end, on the stack if it is not long.
type path [256]byte

// of returns name as the kernel wants it. A name with a zero byte in it ends
// there: none comes from the kernel.
func (p *path) of(name string) *byte {
	if len(name) < len(p) {
		copy(p[:], name)
		p[len(name)] = 0
		return &p[0]
	}
	long := make([]byte, len(name)+1)
	copy(long, name)
	return &long[0]
}

// errOf makes an error of what a call returned.
func errOf(errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

// Lstat does not follow a last link; Stat does.
func Lstat(name string, st *syscall.Stat_t) error {
	return statAt(name, st, unix.AT_SYMLINK_NOFOLLOW)
}

// Stat follows a last link.
func Stat(name string, st *syscall.Stat_t) error { return statAt(name, st, 0) }

func statAt(name string, st *syscall.Stat_t, flags uintptr) error {
	var p path
	_, _, errno := syscall.RawSyscall6(unix.SYS_NEWFSTATAT, cwd, uintptr(unsafe.Pointer(p.of(name))),
		uintptr(unsafe.Pointer(st)), flags, 0, 0)
	return errOf(errno)
}

// Fstat is fstat(2).
func Fstat(fd int, st *syscall.Stat_t) error {
	_, _, errno := syscall.RawSyscall(unix.SYS_FSTAT, uintptr(fd), uintptr(unsafe.Pointer(st)), 0)
	return errOf(errno)
}

// Open opens a file that exists.
func Open(name string, flags int) (int, error) {
	var p path
	fd, _, errno := syscall.RawSyscall6(unix.SYS_OPENAT, cwd, uintptr(unsafe.Pointer(p.of(name))),
		uintptr(flags|unix.O_LARGEFILE), 0, 0, 0)
	return int(fd), errOf(errno)
}

// Close closes a descriptor through which nothing was written.
func Close(fd int) { _, _, _ = syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// Read is read(2).
func Read(fd int, buf []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Write is write(2).
func Write(fd int, buf []byte) error {
	_, _, errno := syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)))
	return errOf(errno)
}

// Ioctl is ioctl(2) with a pointer.
func Ioctl(fd int, request uintptr, arg unsafe.Pointer) (int, error) {
	n, _, errno := syscall.RawSyscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	return int(n), errOf(errno)
}

// Readlink returns the text of a link.
func Readlink(name string) (string, error) {
	var p path
	var buf [unix.PathMax]byte
	n, _, errno := syscall.RawSyscall6(unix.SYS_READLINKAT, cwd, uintptr(unsafe.Pointer(p.of(name))),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
	if errno != 0 {
		return "", errno
	}
	return string(buf[:n]), nil
}

// Statx is statx(2).
func Statx(dir int, name string, flags, mask int, st *unix.Statx_t) error {
	var p path
	_, _, errno := syscall.RawSyscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(p.of(name))),
		uintptr(flags), uintptr(mask), uintptr(unsafe.Pointer(st)), 0)
	return errOf(errno)
}

// Lgetxattr returns the size of an attribute, which it puts into dest if there
// is room.
func Lgetxattr(name, attr string, dest []byte) (int, error) {
	var p, a path
	n, _, errno := syscall.RawSyscall6(unix.SYS_LGETXATTR, uintptr(unsafe.Pointer(p.of(name))), uintptr(unsafe.Pointer(a.of(attr))),
		uintptr(unsafe.Pointer(unsafe.SliceData(dest))), uintptr(len(dest)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// ReadCached reads at off if all that there is to read is in memory. It fails
// with EAGAIN if that would have to be waited for, and with EOPNOTSUPP where the
// file system cannot tell.
func ReadCached(fd int, buf []byte, off int64) (int, error) {
	done := 0
	for done < len(buf) {
		iov := unix.Iovec{Base: &buf[done]}
		iov.SetLen(len(buf) - done)
		at := off + int64(done)
		n, _, errno := syscall.RawSyscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&iov)), 1,
			uintptr(at), uintptr(at>>32), unix.RWF_NOWAIT)
		if errno != 0 {
			return 0, errno
		}
		if n == 0 {
			break
		}
		done += int(n)
	}
	return done, nil
}

// EpollWait waits for one event. Unlike the others it is meant to wait, for up
// to some milliseconds; a signal ends it early, so that the garbage collector
// can stop its caller.
func EpollWait(fd int, event *unix.EpollEvent, milliseconds int) (int, error) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(event)), 1, uintptr(milliseconds), 0, 0)
	return int(n), errOf(errno)
}
