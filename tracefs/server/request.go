package server

import (
	"bytes"
	"sync"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// request is one request with the memory that it and its answer take. That is
// used again, by whichever superblock needs it next: most requests touch its
// first page only.
type request struct {
	*fuse.InHeader

	in, out []byte
	rest    []byte          // what follows the fixed part of in
	size    int             // of the answer without its header
	cancel  <-chan struct{} // closed when the caller gives up; nil when handled in place
}

// bufferSize is more than a READ or WRITE with its headers takes.
const bufferSize = maxRequest + 4096

var spareRequests struct {
	mu   sync.Mutex
	list []*request
}

// takeRequest returns a request to read into. Its memory is not from the heap,
// where a megabyte would be cleared and so touched.
func takeRequest() *request {
	spareRequests.mu.Lock()
	defer spareRequests.mu.Unlock()
	if last := len(spareRequests.list) - 1; last >= 0 {
		r := spareRequests.list[last]
		spareRequests.list = spareRequests.list[:last]
		return r
	}
	mem, err := unix.Mmap(-1, 0, 2*bufferSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		mem = make([]byte, 2*bufferSize)
	}
	// Huge pages would be cleared in whole for the first byte; without them the
	// kernel never needs to be told.
	_ = unix.Madvise(mem, unix.MADV_NOHUGEPAGE)
	return &request{in: mem[:bufferSize:bufferSize], out: mem[bufferSize:]}
}

// giveBack ends the use of r.
func (r *request) giveBack() {
	r.InHeader, r.rest, r.cancel = nil, nil, nil
	spareRequests.mu.Lock()
	spareRequests.list = append(spareRequests.list, r)
	spareRequests.mu.Unlock()
}

// input is the fixed part of a request.
func input[T any](r *request) *T { return (*T)(unsafe.Pointer(&r.in[0])) }

// output makes the answer a T, which is zero.
func output[T any](r *request) *T {
	out := (*T)(unsafe.Pointer(&r.out[headSize]))
	*out = *new(T)
	r.size = int(unsafe.Sizeof(*out))
	return out
}

// space is where n bytes of an answer go; fill says how many there are.
func (r *request) space(n uint32) []byte {
	return r.out[headSize:][:min(int(n), len(r.out)-headSize)]
}

func (r *request) fill(n int) { r.size = n }

// name returns the name that follows the fixed part.
func (r *request) name() string {
	name, _, _ := bytes.Cut(r.rest, []byte{0})
	return string(name)
}

// names returns the two names that follow the fixed part.
func (r *request) names() (first, second string) {
	a, rest, _ := bytes.Cut(r.rest, []byte{0})
	b, _, _ := bytes.Cut(rest, []byte{0})
	return string(a), string(b)
}

// answer returns the bytes of the answer. An error has no body.
func (r *request) answer(unique uint64, code fuse.Status) []byte {
	if code != fuse.OK {
		r.size = 0
	}
	msg := r.out[:headSize+r.size]
	*(*fuse.OutHeader)(unsafe.Pointer(&msg[0])) = fuse.OutHeader{
		Length: uint32(len(msg)), Status: -int32(code), Unique: unique,
	}
	return msg
}
