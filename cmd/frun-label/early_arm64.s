#include "textflag.h"

// System calls and flags.
#define SYS_openat 56
#define SYS_close 57
#define SYS_read 63
#define SYS_unshare 97
#define AT_FDCWD $-100
#define CLONE_NEWNS $0x20000
#define CLONE_NEWUSER_NEWNS $0x10020000

// Of the variable early.
#define early_done 0
#define early_mounts 8
#define early_user 16
#define early_length 24
#define early_status 32

// earlyEntry runs before Go's runtime, on its only thread. It reads the status and makes the
// namespaces. Errors are left for main to tell. Of the registers, a system call changes R0
// only. Thread-local storage is nothing that the runtime needs here without a C library.
TEXT earlyEntry(SB), NOSPLIT|NOFRAME, $0
	MOVD $·early(SB), R19
	MOVD $1, R0
	MOVD R0, early_done(R19)

	MOVD AT_FDCWD, R0
	MOVD $·statusName(SB), R1
	MOVD $0, R2
	MOVD $0, R3
	MOVD $SYS_openat, R8
	SVC
	CMP  $0, R0
	BLT  unshare
	MOVD R0, R20
	ADD  $early_status, R19, R1
	MOVD $4096, R2
	MOVD $SYS_read, R8
	SVC
	MOVD R0, early_length(R19)
	MOVD R20, R0
	MOVD $SYS_close, R8
	SVC

unshare:
	MOVD CLONE_NEWNS, R0
	MOVD $SYS_unshare, R8
	SVC
	MOVD R0, early_mounts(R19)
	CBZ  R0, done
	MOVD CLONE_NEWUSER_NEWNS, R0
	MOVD $SYS_unshare, R8
	SVC
	MOVD R0, early_user(R19)

done:
	RET

DATA ·statusName+0(SB)/8, $"/proc/se"
DATA ·statusName+8(SB)/8, $"lf/statu"
DATA ·statusName+16(SB)/8, $"s\x00\x00\x00\x00\x00\x00\x00"
GLOBL ·statusName(SB), RODATA|NOPTR, $24
