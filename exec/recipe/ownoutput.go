package recipe

import (
	"io"
	"os"
	"path"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"fmake/exec/proc"
)

// A program that reads the file that it writes ("cat *.txt >all.txt") finds that out by
// device and inode, and stops; if it did not, it would fill the disk. But what the
// interpreter has opened is the file itself, and what the program finds under the name is
// the view's: two devices. Such a program is given a shell that opens the file in the view.

// outputs are the files that a script has open for writing, by descriptor.
type outputs struct {
	mu    sync.Mutex
	names map[*os.File]string // absolute
}

func (o *outputs) opened(f *os.File, dir, name string, flag int) {
	if flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.names == nil {
		o.names = make(map[*os.File]string)
	}
	o.names[f] = absolute(dir, name)
}

func absolute(dir, name string) string {
	if !path.IsAbs(name) {
		name = dir + "/" + name
	}
	return path.Clean(name)
}

func (o *outputs) closed(f *os.File) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.names, f)
}

func (o *outputs) name(f *os.File) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.names[f]
}

// reopens are the ways to open a file once more: what stands in it stays. Where standard
// error leads to the same file, both share the place where they go on in it.
const (
	reopenStart = `exec "$@" 1<>"$0"`
	reopenEnd   = `exec "$@" >>"$0"`
	reopenBoth  = ` 2>&1`
)

// openInView changes a command whose words name what it writes to, so that it gets that file
// from the view, and returns what is to be done when it has ended.
func (r *run) openInView(cmd *proc.Command) (ended func()) {
	name := ""
	if cmd.Stdout != nil {
		name = r.outputs.name(cmd.Stdout)
	}
	if name == "" || !mayRead(cmd, name) {
		return func() {}
	}
	how := reopenEnd
	at, err := cmd.Stdout.Seek(0, io.SeekCurrent)
	flags, err2 := unix.FcntlInt(cmd.Stdout.Fd(), unix.F_GETFL, 0)
	if err == nil && err2 == nil && at == 0 && flags&unix.O_APPEND == 0 {
		how = reopenStart
	}
	if cmd.Stderr == cmd.Stdout {
		how += reopenBoth
	}
	cmd.Args = append([]string{defaultShell, "-c", how, name}, cmd.Args...)
	cmd.Path = defaultShell
	return func() { _, _ = cmd.Stdout.Seek(0, io.SeekEnd) } // of a pipe there is no end
}

// mayRead reports whether a program may read a file, by its words: one of them is that file
// or a directory above it, or it goes through the directory where it is.
func mayRead(cmd *proc.Command, name string) bool {
	for _, w := range cmd.Args[1:] {
		if w == "" || w[0] == '-' {
			if strings.ContainsAny(w, "rR") && strings.HasSuffix(path.Base(cmd.Path), "grep") {
				return true
			}
			continue
		}
		if w = absolute(cmd.Dir, w); w == name || strings.HasPrefix(name, strings.TrimSuffix(w, "/")+"/") {
			return true
		}
	}
	return false
}
