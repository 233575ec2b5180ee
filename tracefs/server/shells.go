package server

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs"
	"fmake/tracefs/procfs"
	"fmake/tracefs/raw"
	"fmake/tracefs/wire"
)

// While shells run in a view, what a shell executes is another program in its place, the
// stub, which asks the client what to do. Nobody but the one that executes sees it: what
// everybody else finds at the path is the file itself.
//
// An open that is made to execute a file is told that the kernel's idea of it is old. So the
// kernel looks all names of the path up again, before the same system call goes on, and is
// told of the stub where it asks for the file. It does not keep that.

// shells says what is done with what shells in a view execute.
type shells struct {
	on      atomic.Bool
	mu      sync.Mutex
	program string           // the path of the stub
	plain   map[string]bool  // names of programs that are left alone
	caught  map[uint32]inode // by thread: what it is about to execute
	any     atomic.Int32     // how many caught has
	passed  map[uint32]bool  // threads that have gone on to execute what was not caught
}

// setShells begins or ends catching. What the kernel keeps when it begins, it was told when
// that was nobody's in particular.
func (v *view) setShells(m *wire.Shells) error {
	if !v.parts.Load() || v.sb.kernel.features&fuse.CAP_HAS_EXPIRE_ONLY == 0 {
		return unix.ENOTSUP
	}
	x := &v.shells
	x.mu.Lock()
	defer x.mu.Unlock()
	if m.On {
		x.program, x.plain, x.caught, x.passed = m.Program, make(map[string]bool, len(m.Plain)), map[uint32]inode{}, map[uint32]bool{}
		for _, name := range m.Plain {
			x.plain[name] = true
		}
		v.rec.setFamilies(func(proc int32) *recorder {
			if f := v.procs.familyOf(proc); f != nil {
				return f.rec
			}
			return nil
		})
	}
	if !m.On {
		v.families.unknownActs() // the kernel is about to keep what it is told again
	}
	x.on.Store(m.On)
	if m.On {
		v.expireTold()
	}
	return nil
}

// setFamilies lets the recorders of families see what they do.
func (r *recorder) setFamilies(of func(proc int32) *recorder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.family = of
}

// catches tells whether a file that is about to be executed is to be looked up again, and
// notes that the stub is to be found then. The second time it is the file itself.
func (s *superblock) catches(n *node, tid uint32) bool {
	v := s.owner(tid)
	if v == nil || !v.shells.on.Load() || v.rec.isOff() {
		return false
	}
	x := &v.shells
	exe, err := procfs.Link(int(tid), "exe")
	if err != nil || !tracefs.IsShell(filepath.Base(exe)) {
		return false
	}
	s.mu.Lock()
	of := inodeOf(&n.st)
	s.mu.Unlock()
	path, magic := s.reach(n)
	wanted := !magic && v.procs.familyOf(v.procOf(tid)) == nil && executable(path)
	return x.catch(tid, of, filepath.Base(path), wanted)
}

// catch decides about one file that a thread opens to execute it. What comes after one that
// was not caught is what the kernel executes that with: its interpreter.
func (x *shells) catch(tid uint32, file inode, name string, wanted bool) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, again := x.caught[tid]
	catch := wanted && !again && !x.passed[tid] && !x.plain[name] && !tracefs.IsShell(name)
	if catch {
		x.caught[tid] = file
	} else {
		if len(x.passed) > maxPassed {
			clear(x.passed)
		}
		x.passed[tid] = true
		delete(x.caught, tid)
	}
	x.any.Store(int32(len(x.caught)))
	return catch
}

// maxPassed bounds what is remembered of threads that have gone on to execute.
const maxPassed = 4096

// release forgets what was caught of a thread.
func (x *shells) release(tid uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.caught, tid)
	x.any.Store(int32(len(x.caught)))
}

// caughtAt tells whether a thread that looks up a file is the one that executes it.
func (s *superblock) caughtAt(file inode, tid uint32) (program string, ok bool) {
	v := s.owner(tid)
	if v == nil || v.shells.any.Load() == 0 {
		return "", false
	}
	x := &v.shells
	x.mu.Lock()
	is := x.caught[tid] == file && file.ino != 0
	x.mu.Unlock()
	if !is {
		return "", false
	}
	number, _, known := procfs.Syscall(int(tid))
	return x.program, known && (number == unix.SYS_EXECVE || number == unix.SYS_EXECVEAT)
}

// stub answers a look-up with the stub.
func (s *superblock) stub(program string, out *fuse.EntryOut) bool {
	var st syscall.Stat_t
	if raw.Lstat(program, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return false
	}
	n := s.enterStub(program, &st)
	out.NodeId, out.Generation, out.AttrValid = n.id, 1, recent
	s.attr(&st, program, &out.Attr)
	return true
}

// enterStub notes that the kernel is told of the stub.
func (t *table) enterStub(program string, st *syscall.Stat_t) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.stand; n != nil && t.nodes[n.id] == n && inodeOf(&n.st) == inodeOf(st) {
		n.lookups++
		n.refresh(st)
		return n
	}
	n := &node{id: t.next, kind: syscall.S_IFREG, path: program, lookups: 1, st: *st, stub: true}
	t.next++
	t.nodes[n.id], t.stand = n, n
	return n
}

// executable tells whether the kernel is sure to execute a file, as far as its first bytes
// tell: a shell runs by itself what it cannot, or says what is wrong with it.
func executable(path string) bool {
	if ownClass == 0 {
		return false
	}
	fd, err := raw.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC)
	if err != nil {
		return false
	}
	defer raw.Close(fd)
	var st syscall.Stat_t
	if raw.Fstat(fd, &st) != nil || st.Mode&(syscall.S_ISUID|syscall.S_ISGID) != 0 {
		return false
	}
	head := make([]byte, 256)
	n, err := raw.Read(fd, head)
	if err != nil {
		return false
	}
	head = head[:n]
	if script, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		line, _, ended := bytes.Cut(script, []byte("\n"))
		words := strings.Fields(string(line))
		return ended && len(words) > 0 && unix.Access(words[0], unix.X_OK) == nil
	}
	return sameMachine(head)
}

// sameMachine tells whether a file begins as this very program, which runs here, does.
func sameMachine(head []byte) bool {
	const class, machine = 4, 18
	return len(head) > machine+2 && string(head[:4]) == "\x7fELF" && head[class] == ownClass && binary.LittleEndian.Uint16(head[machine:]) == ownMachine
}

func (c *client) shells(r *wire.Request) error {
	var m wire.Shells
	if err := r.Decode(&m); err != nil {
		return err
	}
	v, err := c.view(m.View)
	if err == nil {
		err = v.setShells(&m)
	}
	if err != nil {
		return err
	}
	r.Reply(&wire.Told{Device: v.sb.device})
	return nil
}

// asksAlways tells whether the kernel is not to keep an entry, so that each process that
// looks there is seen to. Of the directories that lead to the project everybody knows.
func (v *view) asksAlways(path string, st *syscall.Stat_t) bool {
	if !v.shells.on.Load() {
		return false
	}
	return st.Mode&syscall.S_IFMT != syscall.S_IFDIR || !underAny(v.engine.config.Project, []string{path})
}
