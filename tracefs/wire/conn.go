package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	headerSize = 16
	// maxBody bounds what a broken peer can make us allocate. The largest
	// honest message is the record of an action that looked at everything.
	maxBody = 1 << 30
	// maxFiles is the kernel's limit for one message (SCM_MAX_FD).
	maxFiles = 253

	flagReply = 1
	flagError = 2
)

// frame is one message as it travels.
type frame struct {
	id    uint32
	op    Op
	flags uint16
	body  []byte
	files []*os.File
}

// conn sends and receives frames. Sending is safe from several goroutines.
type conn struct {
	sock *Socket
	mu   sync.Mutex // one sender at a time
}

// newConn takes over f, an end of a connected unix stream socket.
func newConn(f *os.File) (*conn, error) {
	sock, err := Pollable(f)
	if err != nil {
		return nil, fmt.Errorf("engine socket: %w", err)
	}
	return &conn{sock: sock}, nil
}

// Socket is a connected stream socket whose reads and writes end when it is
// closed. A write to a peer that has died is an error and no SIGPIPE: that signal
// ends a make whose output nobody reads. Package net would do as well, but its
// initialisation is felt at the start of every fmake.
type Socket struct{ *os.File }

// Write implements io.Writer.
func (s *Socket) Write(data []byte) (int, error) {
	done := 0
	for done < len(data) {
		n, err := s.sendRights(data[done:], nil)
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// Pollable takes over a socket.
func Pollable(f *os.File) (*Socket, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	f.Close()
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("set non-blocking", err)
	}
	return &Socket{os.NewFile(uintptr(fd), "socket")}, nil
}

// sendRights writes the beginning of a message together with descriptors.
func (s *Socket) sendRights(msg, rights []byte) (n int, err error) {
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, err
	}
	waitErr := raw.Write(func(fd uintptr) bool {
		n, err = unix.SendmsgN(int(fd), msg, rights, nil, unix.MSG_NOSIGNAL)
		return err != unix.EAGAIN && err != unix.EINTR
	})
	return n, errors.Join(waitErr, err)
}

// receiveRights reads the beginning of a message together with descriptors.
func (c *conn) receiveRights(msg, oob []byte) (n, oobn int, err error) {
	raw, err := c.sock.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	waitErr := raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, err = unix.Recvmsg(int(fd), msg, oob, unix.MSG_CMSG_CLOEXEC)
		return err != unix.EAGAIN && err != unix.EINTR
	})
	return n, oobn, errors.Join(waitErr, err)
}

// errUnsent is wrapped by errors of send after which the connection is as it was.
var errUnsent = errors.New("wire: not sent")

// send writes a message. If it cannot, the connection breaks, so that nobody waits for an
// answer, or for news, for ever; but not over descriptors that the kernel does not take,
// be it that too many are on their way (ETOOMANYREFS).
func (c *conn) send(f frame) error {
	if len(f.files) > maxFiles {
		return fmt.Errorf("%w: %d descriptors in one message", errUnsent, len(f.files))
	}
	msg := make([]byte, headerSize, headerSize+len(f.body))
	binary.LittleEndian.PutUint32(msg[0:], uint32(len(f.body)))
	binary.LittleEndian.PutUint32(msg[4:], f.id)
	binary.LittleEndian.PutUint16(msg[8:], uint16(f.op))
	binary.LittleEndian.PutUint16(msg[10:], f.flags)
	binary.LittleEndian.PutUint32(msg[12:], uint32(len(f.files)))
	msg = append(msg, f.body...)
	var rights []byte
	if len(f.files) > 0 {
		fds := make([]int, len(f.files))
		for i, file := range f.files {
			fds[i] = int(file.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.sock.sendRights(msg, rights)
	if err != nil && n <= 0 && len(f.files) > 0 && !isBroken(err) {
		return fmt.Errorf("%w: %w", errUnsent, err)
	}
	if err == nil && n < len(msg) {
		_, err = c.sock.Write(msg[n:])
	}
	if err != nil {
		c.sock.Close()
	}
	return err
}

// isBroken reports whether an error says that the other end has died, or this one was closed.
func isBroken(err error) bool {
	return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.ENOTCONN) || errors.Is(err, os.ErrClosed)
}

func (c *conn) receive() (frame, error) {
	var f frame
	var head [headerSize]byte
	var oob [512]byte
	n, oobn, err := c.receiveRights(head[:], oob[:])
	if err != nil {
		return f, err
	}
	if n == 0 {
		return f, io.EOF
	}
	if n < headerSize {
		if _, err := io.ReadFull(c.sock, head[n:]); err != nil {
			return f, err
		}
	}
	if f.files, err = openRights(oob[:oobn]); err != nil {
		return f, err
	}
	size := binary.LittleEndian.Uint32(head[0:])
	f.id = binary.LittleEndian.Uint32(head[4:])
	f.op = Op(binary.LittleEndian.Uint16(head[8:]))
	f.flags = binary.LittleEndian.Uint16(head[10:])
	if size > maxBody || int(binary.LittleEndian.Uint32(head[12:])) != len(f.files) {
		CloseFiles(f.files)
		return f, ErrCorrupt
	}
	f.body = make([]byte, size)
	if _, err := io.ReadFull(c.sock, f.body); err != nil {
		CloseFiles(f.files)
		return f, err
	}
	return f, nil
}

// openRights makes files of the descriptors in a control message. They close
// on exec: no command may inherit what was meant for one of us.
func openRights(oob []byte) ([]*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("wire: control message: %w", err)
	}
	var files []*os.File
	for i := range msgs {
		fds, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files, nil
}

// CloseFiles closes all of files.
func CloseFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// Pair makes two connected sockets, both closed on exec.
func Pair() (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket"), nil
}
