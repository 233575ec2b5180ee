package tracefs

import (
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"fmake/tracefs/wire"
)

// Command is one program start.
type Command struct {
	Path   string // file to execute: contains a slash, relative to Dir
	Args   []string
	Env    []string
	Dir    string // absolute
	Stdin  *os.File
	Stdout *os.File
	Stderr *os.File
	Extra  []ExtraFile
}

// ExtraFile places File at descriptor FD of the child.
type ExtraFile struct {
	FD   int
	File *os.File
}

// Process is a command that was started in a view.
type Process struct {
	engine *Engine
	pid    int32
}

// Start runs a command in the view; it does not wait. It stays in the process
// group and session of the engine, which are those of the first client. A nil
// file is closed for the command.
func (v *View) Start(c *Command) (*Process, error) {
	m := wire.Start{View: v.id, Path: c.Path, Args: c.Args, Env: c.Env, Dir: c.Dir, Umask: v.engine.umask}
	var files []*os.File
	place := func(fd int, f *os.File) {
		if f != nil {
			m.FDs = append(m.FDs, int32(fd))
			files = append(files, f)
		}
	}
	place(0, c.Stdin)
	place(1, c.Stdout)
	place(2, c.Stderr)
	for _, x := range c.Extra {
		place(x.FD, x.File)
	}
	var started wire.Started
	if _, err := v.engine.spawner.Call(wire.OpStart, &m, &started, files...); err != nil {
		return nil, &fs.PathError{Op: "fork/exec", Path: c.Path, Err: plain(err)}
	}
	return &Process{engine: v.engine, pid: started.Pid}, nil
}

// Pid returns the process number.
func (p *Process) Pid() int { return int(p.pid) }

// Wait returns when the process has ended. It may be called once.
func (p *Process) Wait() (unix.WaitStatus, unix.Rusage, error) {
	var usage unix.Rusage
	ch := p.engine.exitOf(p.pid)
	if ch == nil {
		return 0, usage, wire.ErrGone
	}
	m, ok := <-ch
	if !ok {
		return 0, usage, wire.ErrGone
	}
	p.engine.mu.Lock()
	delete(p.engine.exit, p.pid)
	p.engine.mu.Unlock()
	if len(m.Usage) == int(unsafe.Sizeof(usage)) {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&usage)), unsafe.Sizeof(usage)), m.Usage)
	}
	return unix.WaitStatus(m.Status), usage, nil
}

// Signal sends a signal to the process unless it has ended.
func (p *Process) Signal(sig unix.Signal) error {
	m := wire.Signal{Pid: p.pid, Sig: int32(sig)}
	if _, err := p.engine.spawner.Call(wire.OpSignal, &m, nil); err != nil {
		return plain(err)
	}
	return nil
}
