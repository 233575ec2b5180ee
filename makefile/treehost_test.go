package makefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// treeHost is a Host over a directory of a test. Absolute names are the real
// ones.
type treeHost struct {
	root     string
	homes    map[string]string
	messages []string
	reads    int // how often a directory was read
}

func (h *treeHost) at(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	// Not filepath.Join: it would hide a trailing slash.
	return h.root + "/" + name
}

func (h *treeHost) ReadFile(name string) ([]byte, error) { return os.ReadFile(h.at(name)) }

func (h *treeHost) WriteFile(string, []byte, bool) error { return errors.ErrUnsupported }

func (h *treeHost) Stat(name string) (fs.FileInfo, error) { return os.Stat(h.at(name)) }

func (h *treeHost) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(h.at(name)) }

func (h *treeHost) ReadDir(name string) ([]string, error) {
	h.reads++
	f, err := os.Open(h.at(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

func (h *treeHost) RealPath(name string) (string, error) { return filepath.EvalSymlinks(h.at(name)) }

func (h *treeHost) HomeDir(user string) (string, bool) {
	dir, ok := h.homes[user]
	return dir, ok
}

func (h *treeHost) Shell(ShellCommand) ShellResult { return ShellResult{Status: 127} }

func (h *treeHost) Verbose(func() string) {}

func (h *treeHost) Message(_ MessageKind, _ Pos, text string) {
	h.messages = append(h.messages, text)
}

func (h *treeHost) said() string { return strings.Join(h.messages, "\n") }
