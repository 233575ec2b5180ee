package projects

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tree is what is in a folder: for each relative path, what a build must agree
// on (type, permissions, and content, with an archive's dates left out).
type Tree map[string]string

// ReadTree reads the tree at dir.
func ReadTree(dir string) (Tree, error) {
	t := make(Tree)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		t[name], err = describe(path, d)
		return err
	})
	return t, err
}

func describe(path string, d fs.DirEntry) (string, error) {
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		text, err := os.Readlink(path)
		return "link to " + text, err
	case !info.Mode().IsRegular():
		return info.Mode().String(), nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if isArchive(data) {
		data = withoutDates(data)
	}
	return fmt.Sprintf("%v %x", info.Mode(), sha256.Sum256(data)), nil
}

// withoutDates blanks the date of each member of an ar archive: a header of 60
// bytes holds the name (16), the date (12), owner, group, mode (20) and the size
// (10); members begin at even offsets.
func withoutDates(data []byte) []byte {
	data = slices.Clone(data)
	for at := 8; at+60 <= len(data); {
		copy(data[at+16:at+28], "            ")
		var size int
		if _, err := fmt.Sscanf(strings.TrimSpace(string(data[at+48:at+58])), "%d", &size); err != nil {
			break
		}
		at += 60 + size + size%2
	}
	return data
}

// Differences lists the paths at which two trees differ, each with what is
// different. Names for which ignore is true may differ in content.
func (t Tree) Differences(other Tree, ignore func(name string) bool) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(t)) {
		switch got, ok := other[name]; {
		case !ok:
			all = append(all, name+" is missing")
		case got != t[name] && !ignore(name):
			all = append(all, fmt.Sprintf("%s: %s, want %s", name, got, t[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(other)) {
		if _, ok := t[name]; !ok {
			all = append(all, name+" should not be there")
		}
	}
	return all
}
