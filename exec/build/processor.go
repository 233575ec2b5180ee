package build

import (
	"bytes"
	"os"
	"strings"

	"fmake/cache"
)

// What a program finds out from the processor nobody sees. Compilers do so when they are
// told to, and results of that are of use on such a processor only.

// nativeWord is part of the options by which compilers are told: -march=native and the
// like, target-cpu=native.
const nativeWord = "=native"

// withProcessor adds the processor to the key of a text that depends on it.
func withProcessor(key cache.Hash, text string) cache.Hash {
	if !strings.Contains(text, nativeWord) {
		return key
	}
	return cache.NewDigest("processor").Hash(key).String(processor()).Sum()
}

// processor tells what kind of processor this is: all that is said of the first one but for
// what changes all the time.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	first, _, _ := bytes.Cut(text, []byte("\n\n"))
	var kind []string
	for line := range strings.Lines(string(first)) {
		name, _, _ := strings.Cut(line, "\t")
		switch name {
		case "vendor_id", "cpu family", "model", "model name", "stepping", "flags", "Features", "CPU implementer", "CPU architecture", "CPU variant", "CPU part", "isa":
			kind = append(kind, line)
		}
	}
	return strings.Join(kind, "")
}
