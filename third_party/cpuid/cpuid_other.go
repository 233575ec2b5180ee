//go:build !amd64

package cpuid

// CPU is a processor of which nothing is known.
var CPU CPUInfo
