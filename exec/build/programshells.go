package build

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"fmake/exec/proc"
	"fmake/tracefs"
	"fmake/tracefs/wire"
)

// # Programs that a real shell starts
//
// A script that only a shell can run is a program, and replayed as a whole where nothing has
// changed. Where it runs, the programs that it starts are told apart, too: the view executes
// a stub in the place of each, which asks here what to do. They may run beside each other
// and beside the shell, so what is recorded of one is what its own processes do; it is not
// replayed if another one changed meanwhile what it has looked at or written.
//
// What programs say to one another otherwise nobody sees. So only of compilers and their like,
// which say nothing, one may be told apart beside which another program runs.
//
// Of a program that such a program starts nothing is known by itself, scripts included.

// shells are the shells of one action that run now.
type shells struct {
	mu      sync.Mutex
	streams []*shellStreams
	listen  int            // the socket at which stubs ask, -1 if there is none
	running map[*stub]bool // those of which the programs run and are told apart
	device  uint64         // of the view's root directory
	off     bool
}

// shellStreams are those of a shell that lead to what the action prints, nil for one that
// does not.
type shellStreams struct{ in, out, errs *os.File }

// isShell tells whether a program is a shell, or a script for one.
func (ps *programs) isShell(c *proc.Command) bool {
	if tracefs.IsShell(filepath.Base(c.Path)) {
		return true
	}
	if !ps.inProject(c.Dir, c.Path) {
		return false
	}
	f, err := ps.whole.Open(c.Dir, c.Path, os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := io.ReadFull(f, head)
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	script, ok := bytes.CutPrefix(line, []byte("#!"))
	words := bytes.Fields(script)
	if !ok || len(words) == 0 {
		return false
	}
	if filepath.Base(string(words[0])) == "env" && len(words) == 2 {
		words = words[1:]
	}
	return tracefs.IsShell(filepath.Base(string(words[0])))
}

// leftToShells are programs that are not worth being told apart where shells start them.
func leftToShells() []string {
	return append(placingPrograms(),
		"awk", "basename", "cat", "cmp", "comm", "cut", "date", "diff", "dirname", "egrep", "env", "expr", "fgrep", "find", "gawk", "getconf", "grep", "head",
		"hostname", "id", "install", "ls", "mawk", "mkfifo", "mktemp", "mknod", "nproc", "od", "paste", "printf", "pwd", "readlink", "realpath", "sed", "seq", "sort",
		"stat", "sync", "tail", "tee", "timeout", "tr", "tty", "uname", "uniq", "wc", "which", "who", "whoami", "xargs", "yes")
}

// shell runs a shell. What it starts comes to executed.
func (ps *programs) shell(c *proc.Command, run runner) (proc.Process, error) {
	return ps.program(c, func(own *proc.Command) (proc.Process, error) {
		x := ps.openShell(c, own)
		if x == nil {
			return run(own)
		}
		p, err := run(own)
		if err != nil {
			ps.closeShell(x)
			return nil, err
		}
		return &shellProcess{p, ps, x}, nil
	})
}

// shellProcess is a shell that runs.
type shellProcess struct {
	proc.Process
	ps *programs
	x  *shellStreams
}

// Wait implements proc.Process.
func (p *shellProcess) Wait() (unix.WaitStatus, unix.Rusage, error) {
	defer p.ps.closeShell(p.x)
	return p.Process.Wait()
}

// openShell notes that a shell is about to run, with streams of its own in place of those
// that the recipe has given it. It returns nil if what it starts cannot be told apart.
func (ps *programs) openShell(c, own *proc.Command) *shellStreams {
	ps.mu.Lock()
	in, out, errs, off := ps.in, ps.out, ps.errs, ps.off
	ps.mu.Unlock()
	x := &shellStreams{}
	leads := func(f *os.File) bool { return inherited(f, out) || inherited(f, errs) }
	if inherited(c.Stdin, in) {
		x.in = own.Stdin
	}
	if leads(c.Stdout) {
		x.out = own.Stdout
	}
	if leads(c.Stderr) {
		x.errs = own.Stderr
	}
	sh := &ps.shells
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if off != "" || sh.off {
		return nil
	}
	if len(sh.streams) == 0 && !ps.listen() {
		sh.off = true
		return nil
	}
	sh.streams = append(sh.streams, x)
	return x
}

// closeShell notes that a shell has ended.
func (ps *programs) closeShell(x *shellStreams) {
	sh := &ps.shells
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.streams = slices.DeleteFunc(sh.streams, func(y *shellStreams) bool { return x == y }); len(sh.streams) > 0 {
		return
	}
	_, _ = ps.view.Shells(false, "", nil) // nobody is asked any more
	_ = unix.Shutdown(sh.listen, unix.SHUT_RD)
}

// listen has stubs executed, and waits for what they ask. The lock is held.
func (ps *programs) listen() bool {
	stub, err := tracefs.StubPath(ps.b.opts.EnginePath)
	if err != nil {
		return false
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	device, err := ps.view.Shells(true, stub, leftToShells())
	if err == nil {
		if err = unix.Bind(fd, &unix.SockaddrUnix{Name: "@" + wire.StubSocket(device, os.Geteuid())}); err == nil {
			err = unix.Listen(fd, 128)
		}
		if err != nil {
			_, _ = ps.view.Shells(false, "", nil)
		}
	}
	if err != nil {
		unix.Close(fd)
		return false
	}
	ps.shells.listen, ps.shells.device = fd, device
	go ps.accept(fd)
	return true
}

// accept hears stubs until the socket is shut down.
func (ps *programs) accept(fd int) {
	defer unix.Close(fd)
	for {
		conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			ps.hear(os.NewFile(uintptr(conn), "stub"))
		case unix.EINTR, unix.ECONNABORTED:
		default:
			return
		}
	}
}

// hear listens to a stub, if it is one of our own user's.
func (ps *programs) hear(f *os.File) {
	cred, err := unix.GetsockoptUcred(int(f.Fd()), unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil || int(cred.Uid) != os.Geteuid() {
		f.Close()
		return
	}
	x := &stub{ps: ps, pid: int(cred.Pid), ended: make(chan *wire.Request, 1)}
	if x.peer, err = wire.NewPeer(f, x.serve); err != nil {
		return
	}
	go x.peer.Serve()
}
