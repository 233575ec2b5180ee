package exec

// deepStack is as much stack as a run on a usual Makefile takes.
const deepStack = 96 << 10

// onDeepStack calls f with room for deep calls. The stack grows once here, while
// it is nearly empty: growing on the way down doubles it again and again, and
// each time all that is on it is walked over and moved.
//
//go:noinline
func onDeepStack(f func() int, touch bool) int {
	if touch { // never: only the size of the frame counts
		var room [deepStack]byte
		return f() + keep(&room)
	}
	return f()
}

//go:noinline
func keep(b *[deepStack]byte) int { return int(b[0]) }
