//go:build amd64

package cpuid

// CPU is the processor that the program runs on.
var CPU = detect()

func cpuid(leaf uint32) (eax, ebx, ecx, edx uint32)

func xgetbv() (eax uint32)

func detect() CPUInfo {
	const (
		sse41   = 1 << 19 // leaf 1, ecx
		osxsave = 1 << 27
		avx     = 1 << 28
		avx2    = 1 << 5 // leaf 7, ebx
		state   = 6      // xmm and ymm are kept by the kernel
	)
	_, _, c, _ := cpuid(1)
	info := CPUInfo{sse4: c&sse41 != 0}
	if c&osxsave != 0 && c&avx != 0 && xgetbv()&state == state {
		_, b, _, _ := cpuid(7)
		info.avx2 = b&avx2 != 0
	}
	return info
}
