// Command fmake-remote speaks to a remote cache, and to who runs recipes on other machines,
// for the store of an fmake-engine, which starts it when it is first needed; nobody else
// needs to. It is a program of its own because what it hears comes from another machine, and
// because what it is made of takes long to start.
package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/cache/remote"
)

// Where it finds its connections: to who asks, and to the store.
const (
	callsFD = 3
	storeFD = 4
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("fmake-remote: ")
	debug.SetGCPercent(400) // what it holds is small
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "fmake-remote is started by fmake-engine.")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// run serves the store of a cache's folder until it has no more to ask.
func run(cacheDir string) error {
	// What a terminal sends to all is for fmake to decide about; its end is ours.
	signal.Ignore(unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGTERM, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGPIPE)
	calls, err := inherited(callsFD)
	store, err2 := inherited(storeFD)
	if err := errors.Join(err, err2); err != nil {
		return fmt.Errorf("find the connections: %w", err)
	}
	local := cache.NewClient(store)
	defer local.Close()
	return remote.NewService(local, cache.OpenBlobs(cacheDir, cache.BlobOptions{})).Serve(calls)
}

func inherited(fd uintptr) (net.Conn, error) {
	unix.CloseOnExec(int(fd))
	f := os.NewFile(fd, "socket")
	defer f.Close()
	return net.FileConn(f)
}
