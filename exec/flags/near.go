package flags

import "strings"

// Near returns the one of names that somebody who wrote word is likely to have meant: the
// first that begins so, else the one with the fewest letters wrong. It is "" if none is
// near, or if one of others is as near.
func Near(word string, names, others []string) string {
	if len(word) < 3 {
		return ""
	}
	for _, name := range names {
		if strings.HasPrefix(name, word) {
			return name
		}
	}
	best, least := "", limit(word)+1
	for _, name := range names {
		if n := wrongLetters(word, name); n < least {
			best, least = name, n
		}
	}
	for _, name := range others {
		if wrongLetters(word, name) <= least {
			return ""
		}
	}
	return best
}

// limit is how many letters of a word may be wrong.
func limit(word string) int {
	if len(word) < 6 {
		return 1
	}
	return 2
}

// wrongLetters counts the letters that are too many, missing, other ones, or in the wrong
// order with the next one.
func wrongLetters(a, b string) int {
	// Rows of the table for the beginnings of a that are two, one and no letter shorter.
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
