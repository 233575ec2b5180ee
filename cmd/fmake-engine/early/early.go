// Package early does what need not wait for the packages behind the store. Their
// initialisation takes longer than all else when an engine starts, and neither
// the spawner nor the start of one needs them.
//
// Go initialises the package whose path comes first among those that can be, so
// the turn of this one, which imports little, comes before theirs. Were that
// order to change, the engine would start more slowly and work as it does.
package early

import (
	"log"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"fmake/tracefs/spawn"
)

// The roles of the program, its one argument.
const (
	Server  = "server"
	Spawner = "spawner"
)

// sockFD is where a role finds its connection to the process that started it.
const sockFD = 3

// Sock is that connection.
var Sock *os.File

var (
	child    *spawn.Child
	childErr error
)

// Child returns the spawner of this server, or why there is none.
func Child() (*spawn.Child, error) { return child, childErr }

func init() {
	if len(os.Args) != 2 {
		return
	}
	switch os.Args[1] {
	case Server:
		prepare()
		child, childErr = spawn.Start(Spawner)
	case Spawner:
		prepare()
		status, err := spawn.Main(Sock)
		if err != nil {
			log.Println(err)
		}
		os.Exit(status)
	}
}

func prepare() {
	ignoreTerminal()
	logTo(os.Getenv("FMAKE_ENGINE_LOG"))
	unix.CloseOnExec(sockFD)
	Sock = os.NewFile(sockFD, "socket")
}

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
