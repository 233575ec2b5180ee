// Package story carries what the makes of one build have to tell to the make at the
// top: records, which every make below appends to one file when it ends, and which the
// make at the top reads when all have.
//
// A record is a list of words; the first says what kind it is of. Each is a line of
// quoted words, so that a record that was cut off spoils no other.
package story

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Record is one thing that is told.
type Record []string

// Append adds records to a file, in one write, because several makes may end at once.
func Append(path string, records []Record) error {
	if len(records) == 0 {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("telling the make above: %w", err)
	}
	defer f.Close()
	if _, err := f.Write(Encode(records)); err != nil {
		return fmt.Errorf("telling the make above: %w", err)
	}
	return nil
}

// Encode gives the text of records.
func Encode(records []Record) []byte {
	var b []byte
	for _, r := range records {
		for i, word := range r {
			if i > 0 {
				b = append(b, ' ')
			}
			b = strconv.AppendQuote(b, word)
		}
		b = append(b, '\n')
	}
	return b
}

// maxLine bounds what one record may need.
const maxLine = 16 << 20

// Read returns the records of a file. Lines that are none are left out.
func Read(r io.Reader) ([]Record, error) {
	var out []Record
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if rec := decode(lines.Bytes()); rec != nil {
			out = append(out, rec)
		}
	}
	if err := lines.Err(); err != nil {
		return out, fmt.Errorf("reading what makes below have told: %w", err)
	}
	return out, nil
}

// decode reads one line, nil if it is no record.
func decode(line []byte) Record {
	var rec Record
	rest := string(bytes.TrimSpace(line))
	for rest != "" {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil
		}
		rec = append(rec, word)
		rest = rest[len(quoted):]
		if rest != "" && rest[0] == ' ' {
			rest = rest[1:]
		}
	}
	return rec
}
