package build

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"fmake/tracefs/wire"
)

// A shell that a recipe runs starts makes that are processes of their own: they have to
// know, as makes in one process do, which make of the build was the first to bring a target
// up to date. The first process of a build keeps a register of that in memory, which
// those below it open through /proc. Who is about to start a make, or ends below another,
// writes down what is new; who begins, or has waited for a make, reads on. A build that
// starts no other process writes nothing, and when the first process is gone, so is the
// register.

// registerName names it; it is how those who open it know it.
const registerName = "fmake-register"

// register is one of a build. It is safe for concurrent use.
type register struct {
	mu    sync.Mutex
	file  *os.File // nil until it is needed, and if there can be none
	place string   // how other processes open it, "" if they cannot
	above bool     // it is that of a process above this one
	tried bool
}

// entry is one visit as it stands there.
type entry struct {
	graph string // the path of the graph's file
	build uint64 // see Above
	name  string // of the target, in the graph
	visit
}

// visits are what is in one frame.
type visits struct{ entries []entry }

// Fields implements wire.Message.
func (v *visits) Fields(c *wire.Codec) {
	wire.List(c, &v.entries, func(c *wire.Codec, e *entry) {
		c.String(&e.graph)
		c.String(&e.name)
		c.String(&e.make)
		c.Uint(&e.build)
		c.Uint(&e.above)
	})
}

// join opens the register that a make above keeps.
func (r *register) join(place string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tried || place == "" {
		return
	}
	if link, err := os.Readlink(place); err != nil || !strings.HasPrefix(link, "/memfd:"+registerName) {
		return // of a process that is gone
	}
	if f, err := os.OpenFile(place, os.O_RDWR|os.O_APPEND, 0); err == nil {
		r.file, r.place, r.above, r.tried = f, place, true, true
	}
}

// open returns how other processes open it.
func (r *register) open() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tried {
		return r.place
	}
	r.tried = true
	fd, err := unix.MemfdCreate(registerName, unix.MFD_CLOEXEC)
	if err != nil {
		return ""
	}
	r.file = os.NewFile(uintptr(fd), registerName)
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_RDWR|unix.O_APPEND); err == nil {
		r.place = "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(fd)
	}
	return r.place
}

// isAbove tells that a process above this one keeps it.
func (r *register) isAbove() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.above
}

// add writes visits down as one frame, with one write(2) that appends.
func (r *register) add(entries []entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.place == "" || len(entries) == 0 {
		return nil
	}
	body := wire.Encode(&visits{entries})
	_, err := r.file.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(body))), body...))
	return err
}

// frameHead is how many bytes the length of a frame takes, which comes before it.
const frameHead = 8

// news returns what was written after the first so many bytes, and up to where that was.
func (r *register) news(from int64) (all []entry, to int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.place == "" {
		return nil, from, nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(r.file.Fd()), &st); err != nil || st.Size <= from {
		return nil, from, err
	}
	data := make([]byte, st.Size-from)
	if _, err := r.file.ReadAt(data, from); err != nil {
		return nil, from, err
	}
	for {
		body, rest, whole := nextFrame(data)
		if !whole {
			return all, from, nil // the rest is being written
		}
		entries, err := parseVisits(body)
		if err != nil {
			return all, from, err
		}
		all = append(all, entries...)
		from += int64(len(data) - len(rest))
		data = rest
	}
}

// nextFrame cuts the first frame off.
func nextFrame(data []byte) (body, rest []byte, whole bool) {
	if len(data) < frameHead {
		return nil, data, false
	}
	size := binary.LittleEndian.Uint64(data)
	if size > uint64(len(data)-frameHead) {
		return nil, data, false
	}
	return data[frameHead:][:size], data[frameHead:][size:], true
}

func (r *register) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	r.place = ""
	return r.file.Close()
}

// parseVisits decodes what is in one frame.
func parseVisits(body []byte) ([]entry, error) {
	var v visits
	if err := wire.Decode(body, &v); err != nil {
		return nil, fmt.Errorf("the register of targets that makes have brought up to date is damaged: %w", err)
	}
	return v.entries, nil
}
