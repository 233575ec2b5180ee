package tracefs

import (
	"slices"
	"strings"
)

// Stat is what identifies one state of one file without reading it. Times are
// nanoseconds since 1970.
type Stat struct {
	Dev, Ino     uint64
	Mode         uint32 // type and permission bits as in st_mode
	UID, GID     uint32
	Nlink        uint32
	Size         int64
	Mtime, Ctime int64
}

// LookFlags says how a path was looked at. The bits add up over an action.
type LookFlags uint16

// How an action looked at a path before it wrote there itself.
const (
	LookAbsent    LookFlags = 1 << iota // a look-up found nothing
	LookExists                          // a look-up found it: type, mode and size were visible
	LookContent                         // it was opened for reading, or executed or mapped
	LookListing                         // its directory entries were read
	LookLink                            // its link text was read
	LookExec                            // it was executed
	LookSystem                          // in a system tree: absences and stats there are the build's, not the action's
	LookUndecided                       // opened for writing without truncation (in-place edit): counts as content
)

// Look is one path that an action looked at, with what was there at the first
// look. Only looks from before the action's own first write to the path are
// recorded: what a process wrote itself is not its action's input.
type Look struct {
	Path  string // absolute, symbolic links resolved, as on the real file system
	Flags LookFlags
	Stat  Stat     // at the first look; zero when absent
	Link  string   // text, for LookLink
	Names []string // sorted, for LookListing: as this action could see them
	Proc  int32    // index into Record.Procs of the first process that looked, -1 unknown
}

// Write is one path that an action changed, with what was there before.
type Write struct {
	Path   string
	Before Before
	Proc   int32
	// Append is true when the path was only ever opened with O_APPEND and not
	// read; Truncated when its old content was discarded unread.
	Append    bool
	Truncated bool
	// Segment names a file, in the server's pre-image folder, with what was appended.
	// It is not in the file at Path yet: whoever gets the record puts it there. Empty
	// if the action has appended to the file itself.
	Segment string
	After   Stat // when the action ended; zero when nothing was there
}

// Listed is a directory with names in it, sorted.
type Listed struct {
	Path  string
	Names []string
}

// Contention is a path that another action was writing while this one did.
type Contention struct {
	Path    string
	By      string // the other's view ID
	Existed bool   // whether something was there before the first of the two
}

// Before is the state of a path just before an action's first change to it.
type Before struct {
	Exists bool
	Stat   Stat
	Link   string // text of a symbolic link
	// Saved is the name of a pre-image file in the server's pre-image folder
	// (below the cache folder), made before the first byte changed; empty when
	// the old content was truncated over a file known to be an action's version,
	// or is lost.
	Saved string
	// Lost: the old content was too large to be saved.
	Lost bool
}

// Proc is one process that took part in an action. A process is known by pid
// and start time.
type Proc struct {
	Pid    int32
	Start  uint64 // clock ticks since boot, field 22 of /proc/PID/stat
	Parent int32  // index into Record.Procs, -1 for the one fmake started
	Argv   []string
	Dir    string
	Exe    string
	Env    []string // how its environment differs from its parent's: NAME=value, or NAME if it is gone; all of it without a parent
	Reads  []string // paths it opened first, in order, bounded
	Writes []string
	Stdin  string // what its standard input is, as /proc names it
	Unseen bool   // it has executed something else since, and was not seen again
}

// EnvDelta tells what env sets otherwise than base, sorted: NAME=value, or NAME
// alone if it is gone.
func EnvDelta(base, env []string) []string {
	had := make(map[string]string, len(base))
	for _, e := range base {
		name, _, _ := strings.Cut(e, "=")
		had[name] = e
	}
	var delta []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if had[name] != e {
			delta = append(delta, e)
		}
		delete(had, name)
	}
	for name := range had {
		delta = append(delta, name)
	}
	slices.Sort(delta)
	return delta
}

// Record is all that was seen of one action.
type Record struct {
	Looks   []Look   // sorted by Path
	Writes  []Write  // sorted by Path; temporary files made and removed are left out
	Through []string // sorted: directories in which such files were
	// Within lists, by path, the directories that the action has made itself and listed: their
	// names are those that others had put there meanwhile.
	Within  []Listed
	Procs   []Proc
	Sockets []string // sockets that were looked up
	Setuid  []string // setuid, setgid or file-capability programs that were executed
	// Meddled lists looked-at or written paths that changed under the action by
	// somebody else's hand.
	Meddled []string
	// Contended lists what other actions wrote at the same time, appending left
	// out: what stands there is not to be taken for this action's.
	Contended []Contention
	// Leftover says that processes still live in the view.
	Leftover bool
}
