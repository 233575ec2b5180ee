package build

import "testing"

func TestComparable(t *testing.T) {
	checkLines(t, "comparable", comparable, []lineTest{
		{"@echo CC x.o", ""},
		{"@echo \" CC \" x.o; cc -c x.c", "cc -c x.c"},
		{"@-+cc -c x.c", "cc -c x.c"},
		{"printf '%s\\n' a && cc -c x.c", "cc -c x.c"},
		{"echo a > f", "echo a > f"},
		{"echo $(date) ; cc x.c", "echo $(date)\ncc x.c"},
		{"echo \"`date`\"", "echo \"`date`\""},
		{"echo 'a;b'; :", ""},
		{"if test -f x; then echo yes; fi", "if test -f x\nthen echo yes\nfi"},
		{"( echo a; cc b ); c", "( echo a; cc b )\nc"},
		{"case $x in a) echo b;; esac", "case $x in a) echo b;\nesac"},
		{"cc -Dx=a:b c", "cc -Dx=a:b c"},
		{"echo 'unterminated", ""},
	})
}

// lineTest says what a function makes of a recipe line.
type lineTest struct{ line, want string }

func checkLines(t *testing.T, name string, f func(string) string, tests []lineTest) {
	t.Helper()
	for _, c := range tests {
		if got := f(c.line); got != c.want {
			t.Errorf("%s(%q) = %q, want %q", name, c.line, got, c.want)
		}
	}
}

func TestListed(t *testing.T) {
	list := newNameTable(statefulPrograms)
	tests := []struct {
		argv []string
		want bool
	}{
		{[]string{"/usr/bin/cargo", "build"}, true},
		{[]string{"go", "build", "./..."}, true},
		{[]string{"go", "-C", "x", "build"}, false},
		{[]string{"go", "vet"}, false},
		{[]string{"cmake", "--build", "b"}, true},
		{[]string{"cmake", "-S", "."}, false},
		{[]string{"gcc", "-c", "make"}, false},
		{[]string{"/bin/sh", "/opt/bin/cargo", "build"}, true},
		{[]string{"/usr/bin/python3.11", "/usr/bin/ninja"}, true},
		{[]string{"/bin/sh", "-c", "cargo build"}, false},
		{nil, false},
	}
	for _, c := range tests {
		if got := listed(list, c.argv); got != c.want {
			t.Errorf("listed(%q) = %v, want %v", c.argv, got, c.want)
		}
	}
}
