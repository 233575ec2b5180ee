package tracefs

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"fmake/tracefs/wire"
)

// ErrUnavailable says why views cannot be had on this machine. Builds then work
// without them.
type ErrUnavailable struct {
	Reason string
	Hint   string // what could be done about it; may be empty
}

// Error implements error.
func (e *ErrUnavailable) Error() string {
	if e.Hint == "" {
		return e.Reason
	}
	return e.Reason + " (" + e.Hint + ")"
}

// ErrKilled is the error of an engine that was killed while it was started: that says
// nothing about whether views can be had here.
var ErrKilled = errors.New("the engine was killed")

// ErrGone is wrapped by the errors of asking an engine that has died, or is about to: Done
// tells when. After other errors it lives.
var ErrGone = wire.ErrGone

// unavailable explains an error met while an engine was started.
func unavailable(doing string, err error) *ErrUnavailable {
	hints := []struct {
		err  error
		hint string
	}{
		{fs.ErrNotExist, "is the fuse module loaded, and /dev/fuse there?"},
		{unix.ENODEV, "the kernel has no FUSE file system"},
		{unix.ENOSYS, "the kernel is too old: Linux 5.2 is needed"},
		{unix.EACCES, "/dev/fuse must be readable and writable for everybody"},
		{unix.EPERM, "unprivileged user namespaces may be forbidden here: see user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns"},
		{unix.ENOSPC, "no more user namespaces are allowed: see user.max_user_namespaces"},
	}
	e := &ErrUnavailable{Reason: doing + ": " + err.Error()}
	for _, h := range hints {
		if errors.Is(err, h.err) {
			e.Hint = h.hint
			break
		}
	}
	return e
}
