package tracefs

import (
	"bytes"
	"os"

	"golang.org/x/sys/unix"
)

// MountType is the type of views in the lists of mounts.
const MountType = "fuse.fmake"

// InView tells whether this process runs in a view, of whatever engine: what it
// and its children do is recorded already, and no view can be made in a view.
func InView() bool {
	const fuse = 0x65735546 // FUSE_SUPER_MAGIC of <linux/magic.h>
	var st unix.Statfs_t
	if unix.Statfs("/", &st) != nil || int64(st.Type) != fuse {
		return false
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	return err == nil && bytes.Contains(mounts, []byte(" "+MountType+" "))
}
