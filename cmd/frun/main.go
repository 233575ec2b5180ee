// How many processors a container may use is not worth reading five files for in
// every start.

//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0

// Command frun runs a command in a traced view of the file system, and next time, if all
// that the command looked at is as it was, puts back what it left and prints what it
// printed instead. As ccache for compilers, for any command, and nobody has to say what
// the command reads.
//
// # Model
//
// A command is an action of package build like the recipe of a target: its directory and
// its words are its name. In a view already, that of a recipe or of another frun, the
// command is part of what is recorded there, and frun becomes the command.
package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"fmake/tracefs/raw"
)

// heapLimit is how much memory frun takes before it collects garbage for the first time.
// With an engine, garbage is collected by the usual rule.
const heapLimit = 256 << 20

func main() {
	runtime.MemProfileRate = 0
	raw.QuickStart()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(heapLimit)
	run(os.Args[1:], os.Environ())
}
