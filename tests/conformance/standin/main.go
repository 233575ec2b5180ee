// Command standin takes fmake's place in GNU make's test suite, which calls a
// make by one path and without the environment that would switch tracing off: it
// runs fmake with one more option and changes nothing else.
package main

import (
	"fmt"
	"os"
	"syscall"
)

// What to run; the linker sets both.
var target, option string

func main() {
	args := []string{os.Args[0]}
	if option != "" {
		args = append(args, option)
	}
	err := syscall.Exec(target, append(args, os.Args[1:]...), os.Environ())
	fmt.Fprintln(os.Stderr, "standin:", err)
	os.Exit(127)
}
