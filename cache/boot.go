package cache

import (
	"strings"
	"time"
)

// # Power loss
//
// Neither outputs nor the graph are synced to disk at the end of a build: that
// would cost more than many a build. kill -9 loses nothing, since what was
// written is with the kernel. After a power loss a file may have an older or
// half-written content under the very stat that the graph knows. So each save
// notes the boot in which it was made; stats of files that were changed in the
// last minutes before a save under another boot prove nothing, until the content
// was read again under a later boot.

// writeback is how long the kernel may keep a written page, with much to spare.
const writeback = 10 * time.Minute

// maxBoots is how many earlier boots are kept in mind.
const maxBoots = 4

// boot says until when a graph was saved under one boot of the machine.
type boot struct {
	id    string
	saved int64 // nanoseconds since 1970
}

// BootID names the running kernel's boot. Where /proc does not say, all boots
// look alike, and a power loss goes unnoticed.
func BootID() string {
	b, _, err := readRaw("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func writeBoots(w *writer, boots []boot) {
	w.uint(uint64(len(boots)))
	for _, b := range boots {
		w.str(b.id)
		w.int(b.saved)
	}
}

func readBoots(r *reader) []boot {
	return list(r, func(b *boot) {
		b.id = r.str()
		b.saved = r.int()
	})
}

// savedUnder returns boots with a save now under id.
func savedUnder(boots []boot, id string, now time.Time) []boot {
	if n := len(boots); n > 0 && boots[n-1].id == id {
		boots = boots[:n-1]
	}
	boots = append(boots[:len(boots):len(boots)], boot{id, now.UnixNano()})
	return boots[max(0, len(boots)-maxBoots):]
}

// lost reports whether the content of a file with this stat may have been lost
// with the power since it was last read, under the boot seenUnder or, if that is
// empty, under any of boots.
func lost(boots []boot, st FileStat, seenUnder, now string) bool {
	for _, b := range boots {
		if b.id == now || seenUnder != "" && b.id != seenUnder {
			continue
		}
		if st.Ctime <= b.saved+int64(time.Minute) && st.Ctime > b.saved-int64(writeback) {
			return true
		}
	}
	return false
}
