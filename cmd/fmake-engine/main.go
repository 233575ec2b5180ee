// Command fmake-engine is the engine behind fmake's views: it is the FUSE server
// with the store, and the spawner. fmake starts it when the first recipe has to
// run; nobody else needs to.
package main

import (
	"fmt"
	"log"
	"os"

	"fmake/cmd/fmake-engine/early"
	"fmake/tracefs/server"
)

func main() {
	os.Exit(run())
}

// run serves. The spawner's role has been played before main is called.
func run() int {
	if len(os.Args) > 2 && os.Args[1] == manageRole {
		if err := manage(os.Args[2:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "fmake: "+err.Error())
			return 1
		}
		return 0
	}
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "fmake-engine is started by fmake.")
		return 2
	}
	if os.Args[1] != early.Server {
		fmt.Fprintf(os.Stderr, "fmake-engine: unknown role %q\n", os.Args[1])
		return 2
	}
	status, err := server.Main(early.Sock, early.Child, openStore)
	if err != nil {
		log.Println(err)
	}
	return status
}
