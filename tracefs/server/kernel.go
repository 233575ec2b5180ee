package server

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// kernel is a superblock's connection to the kernel: a descriptor of /dev/fuse.
type kernel struct {
	// Whoever uses the descriptor holds mu for reading, so that it is not closed
	// and its number given to another file meanwhile.
	mu       sync.RWMutex
	fd       int    // -1 when the connection has ended
	features uint64 // what the kernel said it can do
}

// wanted are the features that are asked for where the kernel has them.
const wanted = fuse.CAP_ASYNC_READ | fuse.CAP_BIG_WRITES | fuse.CAP_PARALLEL_DIROPS | fuse.CAP_MAX_PAGES |
	fuse.CAP_CACHE_SYMLINKS | fuse.CAP_AUTO_INVAL_DATA | fuse.CAP_ATOMIC_O_TRUNC | fuse.CAP_HANDLE_KILLPRIV_V2 |
	fuse.CAP_FLOCK_LOCKS | fuse.CAP_FILE_OPS

const (
	// maxRequest is the most that one READ or WRITE carries.
	maxRequest = 1 << 20
	// background is how many requests that nobody waits for, such as readahead,
	// the kernel sends at a time.
	background = 64
)

// greet answers INIT, which the kernel has sent when it made the superblock.
func (k *kernel) greet(passthrough bool) error {
	r := takeRequest()
	defer r.giveBack()
	n, err := k.receive(r.in)
	if err != nil {
		return fmt.Errorf("read INIT: %w", err)
	}
	// Later kernels send more; the mount calls that are used here came with 7.31.
	const least = unsafe.Offsetof(fuse.InitIn{}.Flags2)
	in := (*fuse.InitIn)(unsafe.Pointer(&r.in[0]))
	if n < int(least) || in.Opcode != opInit || in.Major != 7 || in.Minor < 31 {
		return fmt.Errorf("FUSE protocol %d.%d: %w", in.Major, in.Minor, unix.EPROTO)
	}
	if n < int(unsafe.Sizeof(*in)) {
		in.Flags2 = 0
	}
	k.features = in.Flags64()
	use := k.features & wanted
	if passthrough {
		use |= k.features & fuse.CAP_PASSTHROUGH
	}
	*output[fuse.InitOut](r) = fuse.InitOut{
		Major: 7, Minor: min(in.Minor, 28),
		MaxReadAhead:        in.MaxReadAhead,
		Flags:               uint32(use) | fuse.CAP_INIT_EXT,
		Flags2:              uint32(use >> 32),
		MaxBackground:       background,
		CongestionThreshold: background * 3 / 4,
		MaxWrite:            maxRequest,
		MaxPages:            uint16(maxRequest / os.Getpagesize()),
		MaxStackDepth:       1,
	}
	return k.send(r.answer(in.Unique, fuse.OK))
}

// receive reads a request. Neither that nor answering waits for anything, so
// the scheduler need not know of it.
func (k *kernel) receive(buf []byte) (n int, err error) {
	err = k.use(func(fd int) error {
		n, err = raw.Read(fd, buf)
		return err
	})
	return n, err
}

// send writes an answer.
func (k *kernel) send(msg []byte) error {
	return k.use(func(fd int) error { return raw.Write(fd, msg) })
}

// use calls f with the descriptor.
func (k *kernel) use(f func(fd int) error) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.fd < 0 {
		return unix.ENODEV
	}
	return f(k.fd)
}

func (k *kernel) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fd >= 0 {
		unix.Close(k.fd)
		k.fd = -1
	}
}

// Requests of <linux/fuse.h> to the device itself.
const (
	backingOpen  = 0x4010e501 // FUSE_DEV_IOC_BACKING_OPEN
	backingClose = 0x4004e502 // FUSE_DEV_IOC_BACKING_CLOSE
)

// openBacking lets opens name the file behind fd as the one that the kernel is
// to read and write by itself.
func (k *kernel) openBacking(fd int) (id int32, err error) {
	m := fuse.BackingMap{Fd: int32(fd)}
	err = k.use(func(dev int) error {
		n, err := raw.Ioctl(dev, backingOpen, unsafe.Pointer(&m))
		id = int32(n)
		return err
	})
	return id, err
}

// closeBacking takes that back. When the connection has ended there is nothing
// to take back.
func (k *kernel) closeBacking(id int32) {
	_ = k.use(func(dev int) error {
		_, err := raw.Ioctl(dev, backingClose, unsafe.Pointer(&id))
		return err
	})
}

// Messages to the kernel: FUSE_NOTIFY_* of <linux/fuse.h>.
const (
	noticeInode = 2 // FUSE_NOTIFY_INVAL_INODE
	noticeEntry = 3 // FUSE_NOTIFY_INVAL_ENTRY
	noticeEpoch = 8 // FUSE_NOTIFY_INC_EPOCH
)

const headSize = int(unsafe.Sizeof(fuse.OutHeader{}))

// expire makes the kernel ask again for one entry when it next needs it.
func (k *kernel) expire(dir uint64, name string) { k.entry(dir, name, fuse.EXPIRE_ONLY) }

// dropEntry makes the kernel forget one entry, or its absence. It waits for the
// directory's lock, so it is not for handlers.
func (k *kernel) dropEntry(dir uint64, name string) { k.entry(dir, name, 0) }

func (k *kernel) entry(dir uint64, name string, flags uint32) {
	const fixed = int(unsafe.Sizeof(fuse.NotifyInvalEntryOut{}))
	msg := make([]byte, headSize+fixed+len(name)+1)
	binary.NativeEndian.PutUint64(msg[headSize:], dir)
	binary.NativeEndian.PutUint32(msg[headSize+8:], uint32(len(name)))
	binary.NativeEndian.PutUint32(msg[headSize+12:], flags)
	copy(msg[headSize+fixed:], name)
	k.notify(noticeEntry, msg)
}

// dropInode makes the kernel forget the attributes and pages of a file.
func (k *kernel) dropInode(id uint64) { k.inode(id, 0) }

// dropAttributes makes the kernel forget the attributes of a file. It waits for no lock, so
// it is for handlers, too.
func (k *kernel) dropAttributes(id uint64) { k.inode(id, -1) }

// inode makes the kernel forget the attributes of a file, and its pages from an offset on if
// that is not below zero.
func (k *kernel) inode(id uint64, offset int64) {
	msg := make([]byte, headSize+int(unsafe.Sizeof(fuse.NotifyInvalInodeOut{})))
	binary.NativeEndian.PutUint64(msg[headSize:], id)
	binary.NativeEndian.PutUint64(msg[headSize+8:], uint64(offset))
	k.notify(noticeInode, msg)
}

// expireAll makes the kernel ask again for all entries it knows, where it knows
// how to; elsewhere it does when their time has passed. It drops what is mounted
// on them, so it is not for views.
func (k *kernel) expireAll() { k.notify(noticeEpoch, make([]byte, headSize)) }

// notify sends a message, which has room for its header. That may wait for a lock
// of the kernel's. What the kernel does not have any more is an error that nobody
// minds.
func (k *kernel) notify(kind uint32, msg []byte) {
	binary.NativeEndian.PutUint32(msg[0:], uint32(len(msg)))
	binary.NativeEndian.PutUint32(msg[4:], kind)
	_ = k.use(func(fd int) error {
		_, err := unix.Write(fd, msg)
		return err
	})
}
