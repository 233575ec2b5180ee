package build

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"
)

// TestContains finds a text wherever the pieces in which it is read are cut.
func TestContains(t *testing.T) {
	text := []byte("/home/me/project")
	for before := range 40 {
		data := append(bytes.Repeat([]byte("/home/me/"), before), text...)
		data = append(data, strings.Repeat("x", before)...)
		for _, size := range []int64{0, 1, 7, int64(len(data)), 1 << 30} {
			for _, missing := range []bool{false, true} {
				in := data
				if missing {
					in = bytes.ReplaceAll(data, []byte("project"), []byte("prospect"))
				}
				got, err := contains(iotest.HalfReader(bytes.NewReader(in)), text, size)
				if err != nil || got == missing {
					t.Fatalf("%q, size %d: %v %v", in, size, got, err)
				}
			}
		}
	}
	if got, err := contains(strings.NewReader(""), text, 0); got || err != nil {
		t.Errorf("nothing: %v %v", got, err)
	}
}
