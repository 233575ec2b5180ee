package idle

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// realPathOf is the name of an existing file without links.
func realPathOf(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// namesIn lists the names in a directory.
func namesIn(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// printAll prints on stream 1 or 2.
func printAll(stream int, data []byte) error {
	f := os.Stdout
	if stream == unix.Stderr {
		f = os.Stderr
	}
	_, err := f.Write(data)
	return err
}
