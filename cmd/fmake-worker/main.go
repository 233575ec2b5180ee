// Command fmake-worker runs a recipe on another machine, for an fmake that has sent it there
// together with what the recipe reads. Nobody else needs it.
package main

import (
	"fmt"
	"os"

	"fmake/exec/away/work"
)

func main() {
	inside := len(os.Args) == 4 && os.Args[3] == work.Inside
	if len(os.Args) != 3 && !inside {
		fmt.Fprintln(os.Stderr, "fmake-worker is started on other machines, as fmake says.")
		os.Exit(2)
	}
	status, err := work.Do(os.Args[1], os.Args[2], inside)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fmake-worker:", err)
		os.Exit(3)
	}
	os.Exit(status)
}
