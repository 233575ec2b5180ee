package exec

import (
	"slices"
	"testing"

	"fmake/makefile"
)

func TestHashName(t *testing.T) {
	// Checked against the order in which GNU make 4.4.1 lists files under -p.
	for name, want := range map[string]uint32{
		"a.o": 3406499358, "b.o": 3000588552, "f43": 2167884988, "fg6wkhcu_": 664674415,
		"abcdefghijklm": 3179244857, "hello.world/x.c": 2383820501,
	} {
		if got := hashName(name); got != want {
			t.Errorf("hashName(%q) = %d, want %d", name, got, want)
		}
	}
}

func TestSortLikeTable(t *testing.T) {
	var all []*makefile.File
	for i := range 3000 { // makes the table grow
		name := "f" + itoa(i)
		all = append(all, &makefile.File{Name: name, HName: name})
	}
	list := slices.Clone(all)
	sortLikeTable(list, all)
	again := slices.Clone(list)
	slices.Reverse(again)
	sortLikeTable(again, all)
	if !slices.Equal(list, again) {
		t.Error("the order depends on that of the list")
	}
}
