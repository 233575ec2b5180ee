package spawn

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"fmake/tracefs"
	"fmake/tracefs/wire"
)

// Child is a spawner as the server has it.
type Child struct {
	Process *exec.Cmd
	Sock    *os.File // the server's end of the connection
}

// Start starts a spawner, which is this executable in the given role, in a mount
// namespace of its own. It must not happen when a mount is served: Go's fork
// could then wait for ourselves.
func Start(role string) (*Child, error) {
	ours, theirs, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command("/proc/self/exe", role)
	cmd.Args[0] = os.Args[0]
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS,
		AmbientCaps: tracefs.EngineCaps(),
	}
	if err := cmd.Start(); err != nil {
		ours.Close()
		return nil, fmt.Errorf("start spawner: %w", err)
	}
	return &Child{Process: cmd, Sock: ours}, nil
}
