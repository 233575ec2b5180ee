// Command fmake-engine is the engine behind fmake's views: it is the FUSE server
// with the store, and the spawner. fmake starts it when the first recipe has to
// run; nobody else needs to.
package main

import (
	"fmt"
	"log"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"fmake/tracefs/server"
	"fmake/tracefs/spawn"
)

func main() {
	os.Exit(run())
}

func run() int {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "fmake-engine is started by fmake.")
		return 2
	}
	ignoreTerminal()
	logTo(os.Getenv("FMAKE_ENGINE_LOG"))
	unix.CloseOnExec(socketFD)
	sock := os.NewFile(socketFD, "socket")
	roles := map[string]func() (int, error){
		"server":  func() (int, error) { return server.Main(sock, openStore) },
		"spawner": func() (int, error) { return spawn.Main(sock) },
	}
	role := roles[os.Args[1]]
	if role == nil {
		fmt.Fprintf(os.Stderr, "fmake-engine: unknown role %q\n", os.Args[1])
		return 2
	}
	status, err := role()
	if err != nil {
		log.Println(err)
	}
	return status
}

// socketFD is where a role finds its connection to the process that started it.
const socketFD = 3

// ignoreTerminal keeps signals that a terminal or a shell sends to the whole
// process group away from us: fmake decides what becomes of a build, and its end
// is ours. They are caught rather than ignored, so that commands start with
// their defaults; what was ignored when we were started stays so, for them too.
func ignoreTerminal() {
	caught := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{
		unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGTERM, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU,
		unix.SIGPIPE, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM,
	} {
		if !signal.Ignored(sig) {
			signal.Notify(caught, sig)
		}
	}
	go func() {
		for range caught {
		}
	}()
}

// logTo sends messages to a file for debugging, or leaves them on stderr.
func logTo(name string) {
	log.SetPrefix("fmake-engine: ")
	log.SetFlags(0)
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return
	}
	log.SetFlags(log.Lmicroseconds)
	log.SetOutput(f)
}
