package watch

import "golang.org/x/sys/unix"

// oldCalls adds those that are not on all machines.
func oldCalls(m map[uint64]call) {
	m[unix.SYS_FSTATAT] = call{effect: looks, paths: []operand{{0, 1}}, flags: 3}
	m[unix.SYS_RENAMEAT] = call{effect: renames, paths: []operand{{0, 1}, {2, 3}}, flags: -1, keeps: true}
}

const (
	machine  = unix.AUDIT_ARCH_AARCH64
	otherABI = 1 << 31 // there is none
)
