package watch

import "golang.org/x/sys/unix"

// effect is what a call does with the paths that it names.
type effect uint8

const (
	looks     effect = iota // finds out something of a file
	looksLink               // reads a link
	opens                   // by flags
	lists                   // a descriptor
	writes                  // makes, changes or removes a name
	renames                 // likewise, with all that is below
	connects
	reads // a descriptor
)

// operand says where a call names a path: the numbers of the arguments that are the
// directory, -1 for the working directory, and the name.
type operand struct{ dir, name int }

// call is one system call.
type call struct {
	effect effect
	paths  []operand
	flags  int  // the argument with AT_SYMLINK_NOFOLLOW, -1 for none
	keeps  bool // the last link is not followed
}

// calls are the system calls that matter, of all machines.
func calls() map[uint64]call {
	at := []operand{{0, 1}}
	m := map[uint64]call{
		unix.SYS_OPENAT:     {effect: opens, paths: at, flags: 2},
		unix.SYS_OPENAT2:    {effect: opens, paths: at, flags: 2},
		unix.SYS_STATX:      {effect: looks, paths: at, flags: 2},
		unix.SYS_FACCESSAT:  {effect: looks, paths: at, flags: -1},
		unix.SYS_FACCESSAT2: {effect: looks, paths: at, flags: 3},
		unix.SYS_READLINKAT: {effect: looksLink, paths: at, flags: -1, keeps: true},
		unix.SYS_STATFS:     {effect: looks, paths: []operand{{-1, 0}}, flags: -1},
		unix.SYS_CHDIR:      {effect: looks, paths: []operand{{-1, 0}}, flags: -1},
		unix.SYS_GETDENTS64: {effect: lists, flags: -1},
		unix.SYS_MKDIRAT:    {effect: writes, paths: at, flags: -1, keeps: true},
		unix.SYS_MKNODAT:    {effect: writes, paths: at, flags: -1, keeps: true},
		unix.SYS_UNLINKAT:   {effect: writes, paths: at, flags: -1, keeps: true},
		unix.SYS_RENAMEAT2:  {effect: renames, paths: []operand{{0, 1}, {2, 3}}, flags: -1, keeps: true},
		unix.SYS_LINKAT:     {effect: writes, paths: []operand{{0, 1}, {2, 3}}, flags: -1, keeps: true},
		unix.SYS_SYMLINKAT:  {effect: writes, paths: []operand{{1, 2}}, flags: -1, keeps: true},
		unix.SYS_TRUNCATE:   {effect: writes, paths: []operand{{-1, 0}}, flags: -1},
		unix.SYS_FCHMODAT:   {effect: writes, paths: at, flags: -1},
		sysFchmodat2:        {effect: writes, paths: at, flags: 3},
		unix.SYS_FCHOWNAT:   {effect: writes, paths: at, flags: 4},
		unix.SYS_UTIMENSAT:  {effect: writes, paths: at, flags: 3},
		unix.SYS_CONNECT:    {effect: connects, flags: -1},
		unix.SYS_READ:       {effect: reads, flags: -1},
	}
	oldCalls(m)
	return m
}

// sysFchmodat2 is newer than some tables, and has the same number everywhere.
const sysFchmodat2 = 452
