// Command fmake is used in place of GNU make.
package main

import (
	"os"
	"runtime/debug"

	"fmake/exec"
)

// heapLimit is how much memory fmake takes before it collects garbage: most runs
// end before that.
const heapLimit = 512 << 20

func main() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(heapLimit)
	s := exec.NewSession(exec.Config{Args: os.Args, Env: os.Environ()})
	os.Exit(s.Run())
}
