package cache

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// A result that goes to other machines leaves behind what says something about this one
// only, and one that comes from another machine is looked at more closely than one that was
// made here: what it says is done to the project's files.

// Portable returns a result as it may be given to other machines. ok is false if it must
// not be: what takes the place of another version would have to bring that along, to be
// undone.
func Portable(t *Trace) (p *Trace, ok bool) {
	c := *t
	c.Reason, c.Serial, c.From, c.Run = "", 0, FromRun, Hash{}
	c.Inputs = append([]Input(nil), t.Inputs...)
	for i := range c.Inputs {
		c.Inputs[i].Stat = FileStat{}
	}
	c.Outputs, c.Befores = withoutStats(t.Outputs), withoutStats(t.Befores)
	c.Tokens = append([]Token(nil), t.Tokens...)
	for i := range c.Tokens {
		c.Tokens[i].Run, c.Tokens[i].Mtime = Hash{}, 0
	}
	// What programs have set for others may be nobody's business. Nothing is decided by it.
	c.Procs = append([]Proc(nil), t.Procs...)
	for i := range c.Procs {
		c.Procs[i].Env = nil
	}
	return &c, CheckPortable(&c) == nil
}

func withoutStats(outs []Output) []Output {
	outs = append([]Output(nil), outs...)
	for i := range outs {
		outs[i].Stat = FileStat{}
	}
	return outs
}

// errForeign is wrapped by what CheckPortable returns.
var errForeign = errors.New("such a result does not travel")

// CheckPortable returns an error for a result that Portable would not have returned, so
// that nothing that another machine says leads out of the project or out of the trace.
func CheckPortable(t *Trace) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", errForeign, fmt.Sprintf(format, args...))
	}
	if t.Flags&(NoStore|Provisional|Failed|Stateful|Always) != 0 {
		return refuse("it is no function of files")
	}
	for i := range t.Befores {
		if b := &t.Befores[i]; b.Type != 0 && b.Type != unix.S_IFDIR {
			return refuse("it replaces another version of %s", b.Path)
		}
	}
	links := make(map[string]bool)
	for i := range t.Outputs {
		if t.Outputs[i].Type == unix.S_IFLNK {
			links[t.Outputs[i].Path] = true
		}
	}
	for i := range t.Outputs {
		if why := foreignOutput(&t.Outputs[i], links); why != "" {
			return refuse("%q %s", t.Outputs[i].Path, why)
		}
	}
	for _, c := range t.Chunks {
		if c.Stream < 1 || c.Stream > lastStream {
			return refuse("it prints to nowhere")
		}
	}
	return t.checkProcs(refuse)
}

// lastStream is the highest number that a Chunk has: 1 and 2 are streams, 3 is what was
// echoed.
const lastStream = 3

// foreignOutput says what is wrong with an output from another machine, "" if nothing is.
func foreignOutput(o *Output, links map[string]bool) string {
	const permissions = 0o777
	switch o.Type {
	case 0:
	case unix.S_IFREG, TypeSegment:
		if o.Mode&^permissions != 0 || o.Size < 0 {
			return "has a mode of its own"
		}
	case unix.S_IFDIR:
	case unix.S_IFLNK:
		if o.Link == "" || strings.ContainsRune(o.Link, 0) {
			return "is a link to nowhere"
		}
	default:
		return "is no file"
	}
	for _, p := range []string{o.Path, o.SameAs} {
		if p == "" && o.Path != "" {
			continue
		}
		if !insideProject(p) {
			return "leads out of the project"
		}
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if links["./"+strings.TrimPrefix(dir, "./")] {
				return "is behind a link"
			}
		}
	}
	return ""
}

// insideProject is true for the form that paths in the project have in traces.
func insideProject(p string) bool {
	rest, ok := strings.CutPrefix(p, "./")
	return ok && rest != "." && path.Clean(rest) == rest && rest != ".." && !strings.HasPrefix(rest, "../") && rest[0] != '/' && !strings.ContainsRune(rest, 0)
}

// checkProcs finds processes that refer to what is not there.
func (t *Trace) checkProcs(refuse func(string, ...any) error) error {
	inside := func(list []uint32, n int) bool {
		for _, i := range list {
			if int64(i) >= int64(n) {
				return false
			}
		}
		return true
	}
	for i := range t.Procs {
		p := &t.Procs[i]
		if p.Parent < -1 || int(p.Parent) >= len(t.Procs) || !inside(p.Reads, len(t.Inputs)) || !inside(p.Writes, len(t.Outputs)) {
			return refuse("its processes make no sense")
		}
	}
	return nil
}
