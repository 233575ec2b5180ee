package build

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"fmake/cache"
)

// nameFiles keeps name sets in a folder, one file for each content.
type nameFiles struct {
	dir  string
	keep bool // whether new ones may be written
}

// of returns the identifiers in a content; scan finds them where they are not kept.
func (n nameFiles) of(h cache.Hash, scan func() (nameSet, error)) (nameSet, error) {
	file := filepath.Join(n.dir, hex.EncodeToString(h[:2]), hex.EncodeToString(h[:]))
	if data, err := os.ReadFile(file); err == nil {
		return decodeNames(data), nil
	}
	s, err := scan()
	if err != nil {
		return nil, fmt.Errorf("scanning for variable names: %w", err)
	}
	if n.keep {
		writeNames(file, s)
	}
	return s, nil
}

// writeNames keeps a set for later builds; that it cannot be written only means
// that the content is scanned again.
func writeNames(file string, s nameSet) {
	if os.MkdirAll(filepath.Dir(file), 0o777) != nil {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), "new-*")
	if err != nil {
		return
	}
	_, err = tmp.Write(s.encode())
	if errors.Join(err, tmp.Close()) == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
}
