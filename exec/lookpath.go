package exec

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultPath is where programs are looked for when PATH is not set, as the C
// library does.
const defaultPath = "/bin:/usr/bin"

// lookPath walks the directories of path. try says whether a candidate can be
// run. As with execvp, "may not be executed" is reported only if nothing later
// can be, and beats "not found". An empty name stands for the directories, which may
// not be executed.
func lookPath(name, path string, try func(candidate string) error) (string, error) {
	if strings.Contains(name, "/") {
		return name, try(name)
	}
	var denied error
	for _, dir := range strings.Split(path, ":") {
		candidate := name
		switch {
		case dir == "":
			candidate = "./" + name
		case strings.HasSuffix(dir, "/"):
			candidate = dir + name
		default:
			candidate = dir + "/" + name
		}
		err := try(candidate)
		if err == nil {
			return candidate, nil
		}
		if errors.Is(err, unix.EACCES) {
			denied = unix.EACCES
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", unix.ENOENT
}
