package build

import (
	"fmt"
	"strings"
	"testing"
)

func TestPartAt(t *testing.T) {
	member := func(name, data string) string {
		return fmt.Sprintf("%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", name, 1, 0, 0, 0o644, len(data), data)
	}
	archive := "!<arch>\n" + member("/", "symb") + member("a.o/", "aaaa") + member("b.o/", "bbbb")
	tests := []struct {
		name, file string
		offset     int64
		want       string
	}{
		{"no archive", "text", 1, ""},
		{"its symbols", archive, 8 + 60, ""},
		{"a header", archive, 8 + 64 + 20, "the header of member a.o"},
		{"a member", archive, 8 + 64 + 60, "member a.o"},
		{"the last one", archive, int64(len(archive)) - 1, "member b.o"},
		{"a damaged archive", archive[:100], 90, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := partAt(strings.NewReader(tt.file), tt.offset); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
