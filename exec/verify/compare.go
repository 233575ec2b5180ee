package verify

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// Difference is the first place where two contents differ.
type Difference struct {
	Offset        int64  // bytes before it
	Line          int    // of both texts, from 1; 0 if one of them is none
	First, Second string // the line in each, shortened; "" if it is not there
}

// piece is how much is compared at a time.
const piece = 64 << 10

// Compare finds the first place where two contents differ. ok is false if there is none.
func Compare(first, second io.ReaderAt) (d Difference, ok bool, err error) {
	x, y := make([]byte, piece), make([]byte, piece)
	lines := 1
	for text := true; ; {
		n, err := readFull(first, x, d.Offset)
		if err != nil {
			return d, false, err
		}
		m, err := readFull(second, y, d.Offset)
		if err != nil {
			return d, false, err
		}
		text = text && isText(x[:n]) && isText(y[:m])
		same := common(x[:n], y[:m])
		lines += bytes.Count(x[:same], []byte("\n"))
		d.Offset += int64(same)
		switch {
		case same < n || same < m:
			if text {
				d.Line, d.First, d.Second = lines, lineAt(first, d.Offset), lineAt(second, d.Offset)
			}
			return d, true, nil
		case n < piece:
			return d, false, nil
		}
	}
}

// readFull fills b as far as there is something to be read.
func readFull(r io.ReaderAt, b []byte, at int64) (int, error) {
	n, err := r.ReadAt(b, at)
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// common is how many bytes at the beginning of two texts are the same.
func common(x, y []byte) int {
	n := min(len(x), len(y))
	for i := range n {
		if x[i] != y[i] {
			return i
		}
	}
	return n
}

// isText guesses as diff does: what has no zero byte is a text.
func isText(b []byte) bool { return bytes.IndexByte(b, 0) < 0 }

// A line is shown from before the difference on, and no more of it than fits beside
// another on a screen.
const (
	lead  = 24
	shown = 60
)

// lineAt shows the line that holds the byte at an offset.
func lineAt(r io.ReaderAt, offset int64) string {
	start := max(offset-lead, 0)
	b := make([]byte, offset-start+shown+utf8.UTFMax)
	n, _ := readFull(r, b, start) // what was read once can be read again, or is not shown
	b = b[:n]
	at := min(int(offset-start), n)
	from := bytes.LastIndexByte(b[:at], '\n') + 1
	cutBefore := from == 0 && start > 0
	rest := b[at:]
	end := bytes.IndexByte(rest, '\n')
	if end < 0 {
		end = len(rest)
	}
	line := b[from : at+end]
	cutAfter := len(line) > shown
	if cutAfter {
		line = line[:shown]
	}
	text := string(bytes.ToValidUTF8(line, []byte("?")))
	if cutBefore {
		text = "..." + text
	}
	if cutAfter {
		text += "..."
	}
	return text
}
