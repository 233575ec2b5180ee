package raw

import "unsafe"

const (
	heapPiece = 4 << 20 // what the Go heap grows by
	small     = 40 << 10
)

// QuickStart is for the beginning of programs that end after some milliseconds.
func QuickStart() {
	hugeHeap()
	growStack(0)
}

// hugeHeap lets the heap go on in large pages. A run that has nothing to do touches
// some hundred pages of fresh heap once each; on a virtual machine these faults
// cost more than all else that it does. The heap begins at a random place and is
// handed out from the bottom, so what is left below the next large page is taken
// and never touched: all in one, and what this processor has set aside in pieces.
func hugeHeap() {
	_, end := take(128 << 10) // too much to be set aside
	page := (end + HugePage - 1) &^ (HugePage - 1)
	if begin, _ := take(page - end + small); begin != end {
		return
	}
	Huge(page, page+heapPiece-page%heapPiece)
	for range 2 * (512 << 10) / small {
		if begin, _ := take(small); begin >= page {
			return
		}
	}
}

// take takes some heap for good, and says where.
func take(size uintptr) (begin, end uintptr) {
	b := make([]byte, size)
	begin = uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return begin, begin + size
}

// growStack makes the stack large while there is little on it: what reads makefiles
// goes deep, and each growth on the way would walk and copy all frames.
//
//go:noinline
func growStack(n int) byte {
	if n == 0 {
		return 0
	}
	var space [48 << 10]byte
	space[n] = 1
	return space[n-1]
}
