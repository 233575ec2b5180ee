// How many processors a container may use is not worth reading five files for in
// every start.

//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0

// Command fmake-program is executed in a view in the place of a program that a shell
// executes there. It asks the make at the other end of a socket what to do: become the
// program; or start it and tell of its end; or, if make has done what the program would do,
// end as the program would.
//
// Where there is nobody to ask it becomes the program, as the same process: number, parent,
// descriptors, directory and ignored signals stay.
package main

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"fmake/tracefs/wire"
)

// failed is the status with which a shell ends for a program that cannot be executed.
const failed = 126

func main() {
	runtime.LockOSThread() // the program is to end with it, see start
	runtime.MemProfileRate = 0
	debug.SetGCPercent(-1)
	name := calledBy()
	if isOurselves(name) {
		os.Stderr.WriteString("fmake-program is executed in the place of other programs, by fmake.\n")
		os.Exit(failed)
	}
	p, files, ok := describe(name)
	if !ok {
		become(name)
	}
	peer := connect()
	if peer == nil {
		become(name)
	}
	go peer.Serve()
	var v wire.Verdict
	given, err := peer.Call(wire.OpProgram, p, &v, files...)
	switch {
	case err != nil || v.Do == wire.BecomeProgram || len(given) != len(v.FDs):
		wire.CloseFiles(given)
		become(name)
	case v.Do == wire.EndProgram:
		end(unix.WaitStatus(v.Status))
	}
	start(name, peer, v.FDs, given)
}

// calledBy returns the path by which we were executed.
func calledBy() string {
	const execfn = 31 // AT_EXECFN of <linux/auxvec.h>
	vector, _ := unix.Auxv()
	for _, v := range vector {
		if v[0] == execfn {
			return unix.BytePtrToString(*(**byte)(unsafe.Pointer(&v[1])))
		}
	}
	return os.Args[0]
}

// isOurselves tells whether a path leads to this program: then it does not stand in the place
// of another one.
func isOurselves(name string) bool {
	var a, b unix.Stat_t
	return unix.Stat(name, &a) != nil || unix.Stat("/proc/self/exe", &b) != nil || a.Dev == b.Dev && a.Ino == b.Ino
}

// describe tells of the program that is to be executed. ok is false if it would inherit more
// than can be told.
func describe(name string) (p *wire.Program, files []*os.File, ok bool) {
	blocked, ok1 := statusNumber("SigBlk", 16)
	ignored, ok2 := statusNumber("SigIgn", 16)
	umask, ok3 := statusNumber("Umask", 8)
	if !ok1 || !ok2 || !ok3 || ignored&(1<<(unix.SIGCHLD-1)) != 0 {
		return nil, nil, false
	}
	dir, err := workingDirectory()
	if err != nil {
		return nil, nil, false
	}
	p = &wire.Program{Path: name, Args: os.Args, Env: os.Environ(), Dir: dir, Umask: uint32(umask), Ignored: ignored, Limits: limits(blocked)}
	if !descriptors(p) {
		return nil, nil, false
	}
	for _, fd := range p.FDs {
		files = append(files, os.NewFile(uintptr(fd), "inherited"))
	}
	return p, files, true
}

// limits are those of resources, and the signals that are blocked. The lower limit of
// descriptors Go's runtime has raised.
func limits(blocked uint64) string {
	const all = 16 // RLIM_NLIMITS
	var list [all]unix.Rlimit
	for i := range list {
		_ = unix.Getrlimit(i, &list[i])
	}
	list[unix.RLIMIT_NOFILE].Cur = 0
	return string(unsafe.Slice((*byte)(unsafe.Pointer(&list)), unsafe.Sizeof(list))) + strconv.FormatUint(blocked, 16)
}

// workingDirectory is where the kernel says that it is, links resolved.
func workingDirectory() (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Getcwd(buf)
	if err == nil && (n < 2 || buf[0] != '/') {
		err = unix.ENOENT // it is out of the view, or gone
	}
	if err != nil {
		return "", err
	}
	return string(buf[:n-1]), nil
}

// descriptors adds what the program inherits: which of the first three are open, and what
// the others are. It returns false if that cannot be told.
func descriptors(p *wire.Program) bool {
	dir, err := unix.Open("/proc/self/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(dir)
	buf := make([]byte, 4096)
	n, err := unix.ReadDirent(dir, buf)
	if err != nil || n > len(buf)/2 { // there may be more of them
		return false
	}
	_, _, names := unix.ParseDirent(buf[:n], -1, nil)
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil || fd == dir {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			continue
		}
		if fd > 2 {
			link, err := os.Readlink("/proc/self/fd/" + name)
			if err != nil {
				return false
			}
			p.Others = append(p.Others, name+" "+link)
			continue
		}
		if status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || status&unix.O_NONBLOCK != 0 {
			return false // it would not stay so, here or where it is sent
		}
		p.FDs = append(p.FDs, int32(fd))
	}
	return true
}

// connect finds the make, which is one of our own user's. It is nil if there is none.
func connect() *wire.Peer {
	var st unix.Stat_t
	if unix.Stat("/", &st) != nil {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	uid := os.Geteuid()
	if unix.Connect(fd, &unix.SockaddrUnix{Name: "@" + wire.StubSocket(st.Dev, uid)}) != nil {
		return nil
	}
	if cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED); err != nil || int(cred.Uid) != uid {
		return nil
	}
	peer, err := wire.NewPeer(os.NewFile(uintptr(fd), "socket"), func(r *wire.Request) { wire.CloseFiles(r.Files) })
	if err != nil {
		return nil
	}
	return peer
}

// become executes the program.
func become(name string) {
	ignore()
	blocked, _ := statusNumber("SigBlk", 16)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{Val: [16]uint64{blocked}}, nil) // some of them the runtime unblocks
	err := syscall.Exec(name, os.Args, os.Environ())
	os.Stderr.WriteString(name + ": " + err.Error() + "\n")
	os.Exit(failed)
}

// ignore ignores what was ignored before Go's runtime began.
func ignore() {
	mask, _ := statusNumber("SigIgn", 16)
	for s := syscall.Signal(1); s <= 64; s++ {
		if mask&(1<<(s-1)) != 0 && s != unix.SIGKILL && s != unix.SIGSTOP {
			signal.Ignore(s)
		}
	}
}

// start starts the program, tells of its end, and ends as it did.
func start(name string, peer *wire.Peer, fds []int32, files []*os.File) {
	ignore()
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}}
	for i, fd := range fds {
		attr.Files[fd] = files[i].Fd()
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passedOn()...)
	pid, err := syscall.ForkExec(name, os.Args, attr)
	if err != nil {
		_, _ = peer.Call(wire.OpProgramEnded, &wire.ProgramEnded{Failed: true}, nil)
		signal.Stop(signals)
		become(name)
	}
	wire.CloseFiles(files)
	go forward(signals, pid)
	m := wait(pid)
	_, _ = peer.Call(wire.OpProgramEnded, m, nil) // a make that has gone needs no news
	end(unix.WaitStatus(m.Status))
}

// passedOn are signals that somebody may send to the program by the number that is ours. We
// end when it does.
func passedOn() (list []os.Signal) {
	mask, _ := statusNumber("SigIgn", 16)
	for _, s := range []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM} {
		if mask&(1<<(s-1)) == 0 {
			list = append(list, s)
		}
	}
	return list
}

// forward passes signals on. Those of the terminal's keys the program gets itself.
func forward(signals <-chan os.Signal, pid int) {
	for s := range signals {
		if s != unix.SIGINT && s != unix.SIGQUIT {
			_ = unix.Kill(pid, s.(syscall.Signal))
		}
	}
}

// wait waits for the program. What it has left is ours now.
func wait(pid int) *wire.ProgramEnded {
	var status unix.WaitStatus
	var usage unix.Rusage
	for {
		got, err := unix.Wait4(-1, &status, 0, &usage)
		if errors.Is(err, unix.EINTR) || err == nil && got != pid {
			continue // an orphan has ended
		}
		break
	}
	m := &wire.ProgramEnded{Status: uint32(status)}
	for {
		got, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR), err == nil && got > 0:
			continue
		}
		m.Leftover = err == nil // ECHILD: nothing is left
		break
	}
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&usage)), unsafe.Sizeof(usage))
	m.Usage = append([]byte(nil), raw...)
	return m
}

// end ends as a program did.
func end(status unix.WaitStatus) {
	if status.Signaled() {
		s := status.Signal()
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
		signal.Reset(s)
		_ = unix.Kill(os.Getpid(), s)
		for {
			_ = unix.Pause()
		}
	}
	os.Exit(status.ExitStatus())
}
