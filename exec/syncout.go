package exec

import (
	"bytes"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// SyncMode is what -O asks for.
type SyncMode uint8

// The values of --output-sync.
const (
	SyncNone SyncMode = iota
	SyncLine
	SyncTarget
	SyncRecurse
)

func parseSyncMode(text string) (SyncMode, bool) {
	switch text {
	case "", "none":
		return SyncNone, true
	case "line":
		return SyncLine, true
	case "target":
		return SyncTarget, true
	case "recurse":
		return SyncRecurse, true
	}
	return SyncNone, false
}

// collector holds the output of one job, or of the reading of makefiles, until
// it may be shown as a whole. While sync is off it passes everything on.
type collector struct {
	sync     bool
	out, err *os.File // nil until the first output; the same file if combined
	// tap gets a copy of all that passes, for an action's record; nil if nobody
	// wants one.
	tap func(stream int, data []byte)
	// holding keeps output back until it is known that the run counts: one that
	// went ahead of what it needed is repeated.
	holding bool
	kept    []keptOutput
	// live lets stdout pass all the same, as far as it is not collected for the
	// whole target anyway. A repeated run shows only what the earlier one has not:
	// shown is what this one printed, seen what is left of what the earlier one did.
	live        bool
	shown, seen []byte
	line        []byte // what was seen of the line that has begun
}

// maxShown bounds what is remembered of a run in case that it is repeated.
const maxShown = 64 << 10

// unseen cuts off what an earlier run of the recipe has shown already.
func (o *collector) unseen(data []byte) []byte {
	if len(o.shown)+len(data) <= maxShown {
		o.shown = append(o.shown, data...)
	}
	n := 0
	for n < len(data) && n < len(o.seen) && data[n] == o.seen[n] {
		n++
	}
	o.line = append(o.line, data[:n]...)
	if i := bytes.LastIndexByte(o.line, '\n'); i >= 0 {
		o.line = o.line[i+1:]
	}
	o.seen = o.seen[n:]
	switch {
	case n == len(data):
		return nil
	case len(o.seen) == 0:
		return data[n:] // it goes on where the earlier one ended
	}
	o.seen = nil // from here on it is another output, beginning with a whole line
	return append(o.line, data[n:]...)
}

type keptOutput struct {
	stream int
	data   []byte
}

// discard forgets what was kept back.
func (o *collector) discard() { o.kept = nil }

// release shows what was kept back, and keeps nothing back any more.
func (o *collector) release(c *console) {
	o.holding = false
	for _, k := range o.kept {
		o.pass(c, k.stream, k.data)
	}
	o.kept = nil
}

// open makes the temporary files.
func (o *collector) open(c *console) {
	if o.out != nil {
		return
	}
	out, err := unnamedFile(c.temp)
	if err == nil {
		o.out, o.err = out, out
		if !c.combined {
			o.err, err = unnamedFile(c.temp)
		}
	}
	if err != nil {
		o.close()
		c.complainDirect("cannot create temporary file " + tempName(err, c.temp) + ": " + errorText(err))
		c.mode, o.sync = SyncNone, false
		c.complainDirect("cannot open output-sync lock file, suppressing output-sync.")
	}
}

// unnamedFile makes a temporary file that nobody else can see.
func unnamedFile(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_APPEND|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), dir), nil
	}
	f, err := os.CreateTemp(dir, "Gm*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	unix.FcntlInt(f.Fd(), unix.F_SETFL, unix.O_APPEND)
	return f, nil
}

func (o *collector) put(c *console, stream int, data []byte) {
	if o.tap != nil {
		o.tap(stream, data)
	}
	o.pass(c, stream, data)
}

// pass shows or stores output without telling tap.
func (o *collector) pass(c *console, stream int, data []byte) {
	if o.holding && stream == stdout && o.live {
		if data = o.unseen(data); len(data) == 0 {
			return
		}
	} else if o.holding {
		o.kept = append(o.kept, keptOutput{stream, append([]byte(nil), data...)})
		return
	}
	file := o.file(stream)
	if !o.sync || file == nil {
		c.write(stream, data)
		return
	}
	file.Write(data)
}

func (o *collector) file(stream int) *os.File {
	if stream == stderr {
		return o.err
	}
	return o.out
}

// dump shows what was collected, as one piece.
func (o *collector) dump(c *console) {
	if o.out == nil {
		return
	}
	outFull, errFull := nonEmpty(o.out), o.err != o.out && nonEmpty(o.err)
	if !outFull && !errFull {
		return
	}
	if err := c.mutex.lock(); err != nil {
		c.write(stderr, []byte(c.program+": warning: Cannot acquire output lock, disabling output sync.\n"))
		c.mutex = nil
	}
	wrapped := c.announce && c.mode != SyncRecurse
	if wrapped {
		c.writeDirectory("Entering")
	}
	if outFull {
		c.pump(o.out, stdout)
	}
	if errFull {
		c.pump(o.err, stderr)
	}
	if wrapped {
		c.writeDirectory("Leaving")
	}
	c.mutex.unlock()
}

func nonEmpty(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Size() > 0
}

// pump copies a temporary file to a stream and empties it.
func (c *console) pump(f *os.File, stream int) {
	buf := make([]byte, 32*1024)
	for off := int64(0); ; {
		n, err := f.ReadAt(buf, off)
		c.write(stream, buf[:n])
		off += int64(n)
		if err != nil || n == 0 {
			break
		}
	}
	f.Truncate(0)
	f.Seek(0, 0)
}

func (o *collector) close() {
	if o.out != nil {
		o.out.Close()
	}
	if o.err != nil && o.err != o.out {
		o.err.Close()
	}
	o.out, o.err = nil, nil
}

// syncMutex keeps the makes of one build from showing output at the same time.
// It is a lock on a file whose name travels in --sync-mutex. A nil mutex locks
// nothing.
type syncMutex struct {
	file  *os.File
	owner bool
}

const mutexPrefix = "fnm:"

// newSyncMutex makes the lock file.
func newSyncMutex(dir string) (*syncMutex, error) {
	f, err := os.CreateTemp(dir, "Gm*")
	if err != nil {
		return nil, err
	}
	return &syncMutex{file: f, owner: true}, nil
}

// openSyncMutex uses the lock of a make above.
func openSyncMutex(auth string) (*syncMutex, error) {
	name, ok := strings.CutPrefix(auth, mutexPrefix)
	if !ok {
		return nil, &badMutexError{auth}
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &syncMutex{file: f}, nil
}

type badMutexError struct{ auth string }

func (e *badMutexError) Error() string {
	return "invalid --sync-mutex string '" + e.auth + "'"
}

func (m *syncMutex) auth() string { return mutexPrefix + m.file.Name() }

func (m *syncMutex) lock() error { return m.set(unix.F_WRLCK) }

func (m *syncMutex) unlock() { m.set(unix.F_UNLCK) }

func (m *syncMutex) set(kind int16) error {
	if m == nil {
		return nil
	}
	for {
		// A lock of the open file, not of the process: several makes may be in one.
		err := unix.FcntlFlock(m.file.Fd(), unix.F_OFD_SETLKW, &unix.Flock_t{Type: kind, Len: 1})
		if err != unix.EINTR {
			return err
		}
	}
}

// close gives the lock up; the file vanishes with its owner.
func (m *syncMutex) close() {
	if m == nil {
		return
	}
	m.file.Close()
	if m.owner {
		os.Remove(m.file.Name())
	}
}
