package tracefs

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// umask returns this process's file creation mask without changing it for a
// moment, which other threads would notice.
func umask() uint32 {
	data, err := os.ReadFile("/proc/self/status")
	if err == nil {
		if _, rest, ok := strings.Cut(string(data), "\nUmask:"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			if mask, err := strconv.ParseUint(strings.TrimSpace(line), 8, 32); err == nil {
				return uint32(mask)
			}
		}
	}
	mask := unix.Umask(0)
	unix.Umask(mask)
	return uint32(mask)
}
