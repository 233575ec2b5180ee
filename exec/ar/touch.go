package ar

import (
	"fmt"
	"os"
)

// Touch sets a member's time to that of the file system, now.
func Touch(path, name string) error {
	members, err := Members(path)
	if err != nil {
		return err
	}
	for i := range members {
		if m := &members[i]; m.Is(name) {
			return touchAt(path, m.Offset)
		}
	}
	return ErrNoMember
}

// touchAt writes the header at an offset twice: the first write changes
// nothing, but gives the archive the time that the second one stores.
func touchAt(path string, offset int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("opening archive to touch a member: %w", err)
	}
	defer f.Close()
	header := make([]byte, headerSize)
	if _, err := f.ReadAt(header, offset); err != nil {
		return fmt.Errorf("reading archive header: %w", err)
	}
	if _, err := f.WriteAt(header, offset); err != nil {
		return fmt.Errorf("writing archive header: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading archive time: %w", err)
	}
	date := fmt.Sprintf("%-*d", dateSize, info.ModTime().Unix())
	copy(header[dateAt:dateAt+dateSize], date)
	if _, err := f.WriteAt(header, offset); err != nil {
		return fmt.Errorf("writing archive header: %w", err)
	}
	return nil
}
