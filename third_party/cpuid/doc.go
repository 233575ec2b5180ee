// Package cpuid stands in for github.com/klauspost/cpuid/v2, of which fmake uses
// only what the hash function BLAKE3 asks for: whether the processor has AVX2 and
// SSE4.1. The real one asks the processor dozens of questions while the program
// starts. In a virtual machine each of them is a trap of some 20 microseconds,
// and a make that has nothing to do lasts only milliseconds.
package cpuid

// FeatureID names a feature of a processor.
type FeatureID int

// The features that can be asked for.
const (
	AVX2 FeatureID = iota
	SSE4           // SSE4.1
)

// CPUInfo is what is known of a processor.
type CPUInfo struct{ avx2, sse4 bool }

// Has reports whether the processor has a feature.
func (c CPUInfo) Has(id FeatureID) bool {
	switch id {
	case AVX2:
		return c.avx2
	case SSE4:
		return c.sse4
	}
	return false
}
