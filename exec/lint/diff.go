package lint

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// heading stands above the lines that a patch adds.
const heading = "# What recipes read and no rule declares, as fmake --lint has seen it."

// Diff returns a unified diff that makes all additions, one hunk at the end of each
// makefile: what stands there can neither become the default goal nor fall into a
// condition. relative gives the name of a makefile in the diff, read its text. Makefiles
// that cannot be patched are told, each in one sentence.
func Diff(additions []*Addition, relative func(path string) string, read func(path string) ([]byte, error)) (diff []byte, skipped []string) {
	byFile := make(map[string][]*Addition)
	for _, a := range additions {
		byFile[a.Makefile] = append(byFile[a.Makefile], a)
	}
	for _, path := range sortedKeys(byFile) {
		group := byFile[path]
		name := relative(path)
		if slices.ContainsFunc(group, func(a *Addition) bool { return a.Dir != group[0].Dir }) {
			skipped = append(skipped, name+" is used in several directories, in which names mean different files; no line can be added for all")
			continue
		}
		text, err := read(path)
		if err != nil {
			skipped = append(skipped, fmt.Sprintf("%s cannot be read: %v", name, err))
			continue
		}
		diff = appendHunk(diff, name, text, append([]string{"", heading}, lines(group)...))
	}
	return diff, skipped
}

// contextLines is how many lines stand before a change.
const contextLines = 3

const noNewline = "\\ No newline at end of file\n"

// appendHunk adds the diff that appends lines to a file.
func appendHunk(diff []byte, name string, text []byte, added []string) []byte {
	old := strings.SplitAfter(string(text), "\n")
	if old[len(old)-1] == "" {
		old = old[:len(old)-1]
	}
	context := old[max(0, len(old)-contextLines):]
	from := len(old) - len(context)
	var b bytes.Buffer
	fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n", name, name)
	fmt.Fprintf(&b, "@@ -%s +%s @@\n", span(from, len(context)), span(from, len(context)+len(added)))
	for _, l := range context {
		if strings.HasSuffix(l, "\n") {
			b.WriteString(" " + l)
			continue
		}
		b.WriteString("-" + l + "\n" + noNewline + "+" + l + "\n")
	}
	for _, l := range added {
		b.WriteString("+" + l + "\n")
	}
	return append(diff, b.Bytes()...)
}

// span is a range of lines after so many others. An empty one is called by the line
// before it.
func span(before, n int) string {
	if n == 0 {
		return fmt.Sprintf("%d,0", before)
	}
	return fmt.Sprintf("%d,%d", before+1, n)
}
