package watch

import (
	"encoding/binary"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"fmake/exec/away"
)

// called records one call, before it is made.
func (r *Recorder) called(pid int) {
	i, ok := callInfo(pid)
	if !ok {
		r.isOdd("a system call could not be looked at")
		return
	}
	if i.data == foreign {
		r.isOdd("it runs a program of another kind of machine")
		return
	}
	c, ok := r.table[i.number]
	if !ok {
		return
	}
	switch c.effect {
	case reads:
		r.look(func() {
			if at, err := os.Readlink(procFile(pid, "fd/0")); err == nil && at == r.stdin {
				r.isOdd("it reads its standard input")
			}
		})
	case lists:
		r.look(func() {
			dir, err := os.Readlink(procFile(pid, "fd/"+strconv.Itoa(int(int32(i.args[0])))))
			if err == nil {
				r.note(dir, away.Listed)
			}
		})
	case connects:
		r.connects(pid, &i)
	default:
		for _, o := range c.paths {
			r.operand(pid, &c, o, &i)
		}
	}
}

// operand records what a call does with one path.
func (r *Recorder) operand(pid int, c *call, o operand, i *info) {
	name, ok := text(pid, i.args[o.name])
	if !ok || name == "" {
		return // what it has open already, or a mistake
	}
	flags := uint64(0)
	if c.flags >= 0 {
		flags = i.args[c.flags]
	}
	if i.number == unix.SYS_OPENAT2 {
		var how [8]byte
		if memory(pid, i.args[2], how[:]) == len(how) {
			flags = binary.LittleEndian.Uint64(how[:])
		}
	}
	keeps := c.keeps || c.effect == looks && c.flags >= 0 && flags&unix.AT_SYMLINK_NOFOLLOW != 0 || c.effect == opens && flags&unix.O_NOFOLLOW != 0
	r.look(func() {
		path, ok := r.names.absolute(pid, name, o.dir, i)
		if !ok {
			return
		}
		path, links := r.names.follow(path, !keeps)
		for _, l := range links {
			r.note(l, away.Text)
		}
		r.effect(c, path, flags)
	})
}

// effect records what a call does with a file.
func (r *Recorder) effect(c *call, path string, flags uint64) {
	switch c.effect {
	case looks:
		r.note(path, away.Seen)
	case looksLink:
		r.note(path, away.Seen|away.Text)
	case writes:
		r.write(path)
	case renames:
		var st unix.Stat_t
		if unix.Lstat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			r.isOdd("it renames a directory")
		}
		r.write(path)
	case opens:
		switch {
		case flags&unix.O_TMPFILE == unix.O_TMPFILE:
		case flags&(unix.O_WRONLY|unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC) != 0:
			if flags&(unix.O_TRUNC|unix.O_EXCL) == 0 {
				r.note(path, away.Content)
			}
			r.write(path)
		case flags&unix.O_PATH != 0:
			r.note(path, away.Seen)
		default:
			r.note(path, away.Content)
		}
	}
}

func (r *Recorder) write(path string) {
	r.note(path, away.Seen)
	if !ofKernel(path) {
		r.written[path] = true
		r.names.changed()
	}
}

// connects records a connection: a socket that is not there is like a file that is not.
func (r *Recorder) connects(pid int, i *info) {
	var address [110]byte
	n := memory(pid, i.args[1], address[:min(uint64(len(address)), i.args[2])])
	if n < 2 {
		return
	}
	family := binary.LittleEndian.Uint16(address[:])
	if family != unix.AF_UNIX {
		if family != unix.AF_UNSPEC {
			r.isOdd("it connects to the network")
		}
		return
	}
	name := string(address[2:n])
	for j := range name {
		if name[j] == 0 {
			name = name[:j]
			break
		}
	}
	r.look(func() {
		var st unix.Stat_t
		if name == "" || unix.Lstat(name, &st) == nil {
			r.isOdd("it connects to another program")
		}
	})
}
