package makefile

import "strings"

// IsArchiveName reports whether a name means a member of an archive:
// lib.a(member).
func IsArchiveName(name string) bool {
	open := strings.IndexByte(name, '(')
	return open > 0 && open < len(name)-2 && name[len(name)-1] == ')'
}

// SplitArchive cuts lib.a(member), for which IsArchiveName holds.
func SplitArchive(name string) (archive, member string) {
	open := strings.IndexByte(name, '(')
	return name[:open], name[open+1 : len(name)-1]
}
