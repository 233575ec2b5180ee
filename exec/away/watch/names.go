package watch

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// names finds out which files paths lead to.
type names struct{ plain map[string]bool } // what is a directory and no link

func newNames() *names { return &names{plain: make(map[string]bool)} }

// changed forgets all: links may have been made.
func (n *names) changed() { clear(n.plain) }

// absolute returns the path that a call names.
func (n *names) absolute(pid int, name string, dir int, i *info) (string, bool) {
	if name[0] == '/' {
		return name, true
	}
	at := "cwd"
	if dir >= 0 {
		if fd := int32(i.args[dir]); fd != unix.AT_FDCWD {
			at = "fd/" + strconv.Itoa(int(fd))
		}
	}
	base, err := os.Readlink(procFile(pid, at))
	return base + "/" + name, err == nil
}

// mostLinks is how many links the kernel follows.
const mostLinks = 40

// follow returns the file that a path leads to, as far as there is something, and the links
// that it has gone by; the last one only if it is to be followed.
func (n *names) follow(p string, last bool) (file string, links []string) {
	rest := strings.Split(p, "/")
	at := "/"
	for i := 0; len(rest) > 0; {
		c := rest[0]
		rest = rest[1:]
		switch c {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, c)
		if n.plain[next] || len(rest) == 0 && !last {
			at = next
			continue
		}
		var st unix.Stat_t
		if err := unix.Lstat(next, &st); err != nil {
			return path.Clean(next + "/" + strings.Join(rest, "/")), links
		}
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			n.plain[next] = true
		}
		if st.Mode&unix.S_IFMT != unix.S_IFLNK || strings.HasPrefix(next, "/proc/") {
			at = next
			continue
		}
		links = append(links, next)
		to, err := os.Readlink(next)
		if i++; err != nil || i > mostLinks {
			return next, links
		}
		if strings.HasPrefix(to, "/") {
			at = "/"
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return at, links
}

// resolved is a path without links.
func resolved(p string) (string, error) { return filepath.EvalSymlinks(p) }
