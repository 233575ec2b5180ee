package explain

import "strings"

// Change says which of two texts has a word.
type Change byte

// The changes.
const (
	Same    Change = ' '
	Added   Change = '+'
	Removed Change = '-'
)

// Word is some words of a text, and which side has them.
type Word struct {
	Change Change
	Text   string
}

// mostWords bounds what is compared word by word: the time grows with the square.
const mostWords = 2000

// DiffWords compares two texts word by word. Neighbours with the same change are
// joined.
func DiffWords(was, is string) []Word {
	a, b := strings.Fields(was), strings.Fields(is)
	var out []Word
	add := func(c Change, words []string) {
		for _, w := range words {
			if n := len(out); n > 0 && out[n-1].Change == c {
				out[n-1].Text += " " + w
				continue
			}
			out = append(out, Word{c, w})
		}
	}
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	add(Same, a[:head])
	diffMiddle(a[head:len(a)-tail], b[head:len(b)-tail], add)
	add(Same, a[len(a)-tail:])
	return out
}

// diffMiddle compares what is between the common beginning and end.
func diffMiddle(a, b []string, add func(Change, []string)) {
	if len(a) > mostWords || len(b) > mostWords {
		add(Removed, a)
		add(Added, b)
		return
	}
	common := commonLengths(a, b)
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			add(Same, a[i:i+1])
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			add(Removed, a[i:i+1])
			i++
		default:
			add(Added, b[j:j+1])
			j++
		}
	}
	add(Removed, a[i:])
	add(Added, b[j:])
}

// commonLengths gives for each pair of ends of two texts how many words they have in
// common, in order.
func commonLengths(a, b []string) [][]int {
	n := make([][]int, len(a)+1)
	for i := range n {
		n[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				n[i][j] = n[i+1][j+1] + 1
				continue
			}
			n[i][j] = max(n[i+1][j], n[i][j+1])
		}
	}
	return n
}

// context is how many words of what is the same are shown around a change.
const context = 3

// FormatWords shows a difference as git does with --word-diff: [-removed-] and
// {+added+}. Of what is the same only the words near a change are shown.
func FormatWords(words []Word) string {
	parts := make([]string, 0, len(words))
	for i, w := range words {
		switch w.Change {
		case Added:
			parts = append(parts, "{+"+w.Text+"+}")
		case Removed:
			parts = append(parts, "[-"+w.Text+"-]")
		default:
			parts = append(parts, shorten(w.Text, i == 0, i == len(words)-1))
		}
	}
	return strings.Join(parts, " ")
}

// shorten leaves out the middle of what is the same; at the first or last place of a
// text also its beginning or end.
func shorten(text string, first, last bool) string {
	f := strings.Fields(text)
	head, tail := context, context
	if first {
		head = 0
	}
	if last {
		tail = 0
	}
	if len(f) <= head+tail+1 {
		return text
	}
	parts := append([]string{}, f[:head]...)
	parts = append(parts, "...")
	return strings.Join(append(parts, f[len(f)-tail:]...), " ")
}
