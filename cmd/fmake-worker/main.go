// Command fmake-worker runs a recipe on another machine, for an fmake that has sent it there
// together with what the recipe reads. Nobody else needs it.
package main

import (
	"fmt"
	"os"

	"fmake/exec/away/work"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "fmake-worker is started on other machines, as fmake says.")
		os.Exit(2)
	}
	status, err := work.Do(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "fmake-worker:", err)
		os.Exit(3)
	}
	os.Exit(status)
}
