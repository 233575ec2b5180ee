package watch

import "golang.org/x/sys/unix"

// oldCalls adds those that newer machines do without.
func oldCalls(m map[uint64]call) {
	name := []operand{{-1, 0}}
	two := []operand{{-1, 0}, {-1, 1}}
	for nr, c := range map[uint64]call{
		unix.SYS_OPEN:       {effect: opens, paths: name, flags: 1},
		unix.SYS_CREAT:      {effect: writes, paths: name, flags: -1},
		unix.SYS_STAT:       {effect: looks, paths: name, flags: -1},
		unix.SYS_LSTAT:      {effect: looks, paths: name, flags: -1, keeps: true},
		unix.SYS_NEWFSTATAT: {effect: looks, paths: []operand{{0, 1}}, flags: 3},
		unix.SYS_ACCESS:     {effect: looks, paths: name, flags: -1},
		unix.SYS_READLINK:   {effect: looksLink, paths: name, flags: -1, keeps: true},
		unix.SYS_GETDENTS:   {effect: lists, flags: -1},
		unix.SYS_MKDIR:      {effect: writes, paths: name, flags: -1, keeps: true},
		unix.SYS_MKNOD:      {effect: writes, paths: name, flags: -1, keeps: true},
		unix.SYS_RMDIR:      {effect: writes, paths: name, flags: -1, keeps: true},
		unix.SYS_UNLINK:     {effect: writes, paths: name, flags: -1, keeps: true},
		unix.SYS_RENAME:     {effect: renames, paths: two, flags: -1, keeps: true},
		unix.SYS_RENAMEAT:   {effect: renames, paths: []operand{{0, 1}, {2, 3}}, flags: -1, keeps: true},
		unix.SYS_LINK:       {effect: writes, paths: two, flags: -1, keeps: true},
		unix.SYS_SYMLINK:    {effect: writes, paths: []operand{{-1, 1}}, flags: -1, keeps: true},
		unix.SYS_CHMOD:      {effect: writes, paths: name, flags: -1},
		unix.SYS_CHOWN:      {effect: writes, paths: name, flags: -1},
		unix.SYS_LCHOWN:     {effect: writes, paths: name, flags: -1, keeps: true},
		unix.SYS_UTIME:      {effect: writes, paths: name, flags: -1},
		unix.SYS_UTIMES:     {effect: writes, paths: name, flags: -1},
		unix.SYS_FUTIMESAT:  {effect: writes, paths: []operand{{0, 1}}, flags: -1},
	} {
		m[nr] = c
	}
}

const (
	machine  = unix.AUDIT_ARCH_X86_64
	otherABI = 0x40000000 // added to the numbers of x32
)
