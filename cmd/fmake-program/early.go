package main

import (
	"bytes"
	"strconv"
)

// early is what the code that runs before Go's runtime leaves. The runtime handles all
// signals, so by the time that main begins it is not to be found out any more which of them
// are ignored; a program that is executed has to find that as it was.
var early struct {
	length  int64      // of status, 0 if it could not be read
	status  [4096]byte // /proc/self/status as it was then
	threads [2]uintptr // thread-local storage, which the runtime expects us to have set up
}

// statusNumber returns a number of the status, which is written to a base.
func statusNumber(name string, base int) (n uint64, ok bool) {
	_, rest, found := bytes.Cut(early.status[:max(early.length, 0)], []byte("\n"+name+":"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.ParseUint(string(bytes.TrimSpace(line)), base, 64)
	return n, found && err == nil
}
