#include "textflag.h"

// System calls and flags.
#define SYS_read 0
#define SYS_open 2
#define SYS_close 3
#define SYS_arch_prctl 158
#define ARCH_SET_FS $0x1002

// Of the variable early.
#define early_length 0
#define early_status 8
#define early_threads 4104

// earlyEntry runs before Go's runtime, on its only thread. It reads the status, and sets up
// thread-local storage for the runtime, which leaves that to whatever it finds in _cgo_init.
TEXT earlyEntry(SB), NOSPLIT|NOFRAME, $0
	MOVQ $SYS_open, AX
	LEAQ ·statusName(SB), DI
	MOVQ $0, SI
	MOVQ $0, DX
	SYSCALL
	TESTQ AX, AX
	JLT  threads
	MOVQ AX, R12
	MOVQ $SYS_read, AX
	MOVQ R12, DI
	LEAQ ·early+early_status(SB), SI
	MOVQ $4096, DX
	SYSCALL
	MOVQ AX, ·early+early_length(SB)
	MOVQ $SYS_close, AX
	MOVQ R12, DI
	SYSCALL

threads:
	// The storage is what lies below the base, which is where Go keeps one word.
	MOVQ $SYS_arch_prctl, AX
	MOVQ ARCH_SET_FS, DI
	LEAQ ·early+(early_threads+8)(SB), SI
	SYSCALL
	RET

DATA ·statusName+0(SB)/8, $"/proc/se"
DATA ·statusName+8(SB)/8, $"lf/statu"
DATA ·statusName+16(SB)/8, $"s\x00\x00\x00\x00\x00\x00\x00"
GLOBL ·statusName(SB), RODATA|NOPTR, $24
