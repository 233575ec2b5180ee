package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Log is what is known of a file that actions append to without reading it. What
// stands there is put together from their segments; this tells whether it still is,
// or whether somebody else has changed it. It is written before the file is, so that
// after kill -9 the file is one of the two states that it names.
type Log struct {
	Path   string // as Output.Path
	Left   Hash   // of the file as it is, or is about to be, left
	Before Hash   // of the file before that
	Exists bool   // whether there was a file before any action appended to it
	Base   []byte // what it held
}

// logVersion is the first byte of a file that holds a Log.
const logVersion = 1

// Logs returns what is known of the files of g's tree that are appended to. What cannot
// be read is not known.
func (g *Graph) Logs() []Log {
	names, _ := filepath.Glob(filepath.Join(g.logDir(), "[0-9a-f]*"))
	var out []Log
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if l, ok := decodeLog(data); ok {
			out = append(out, l)
		}
	}
	return out
}

// PutLog notes what is known of one.
func (g *Graph) PutLog(l *Log) error {
	if err := os.MkdirAll(g.logDir(), 0o700); err != nil {
		return err
	}
	_, err := replaceFile(g.logFile(l.Path), encodeLog(l))
	return err
}

// DropLog forgets one that nobody appends to any more.
func (g *Graph) DropLog(path string) error {
	if err := os.Remove(g.logFile(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (g *Graph) logDir() string { return filepath.Join(filepath.Dir(g.path), "logs") }

// TreeFiles lists the files and folders that tell, by their state, whether what is known
// of a tree is as it was, all but the journal: see Recovery. The first is the graph.
func TreeFiles(graph string) []string {
	return []string{graph, filepath.Join(filepath.Dir(graph), "logs")}
}

func (g *Graph) logFile(path string) string {
	return filepath.Join(g.logDir(), HashString(path).String()[:32])
}

func encodeLog(l *Log) []byte {
	var w writer
	w.byte(logVersion)
	w.str(l.Path)
	w.hash(l.Left)
	w.hash(l.Before)
	w.byte(byte(bit(l.Exists)))
	w.str(string(l.Base))
	return w.seal()
}

func decodeLog(data []byte) (l Log, ok bool) {
	body, ok := unseal(data)
	if !ok {
		return l, false
	}
	r := reader{s: string(body)}
	if r.byte() != logVersion {
		return l, false
	}
	l.Path = r.str()
	l.Left, l.Before = r.hash(), r.hash()
	l.Exists = r.byte() != 0
	l.Base = []byte(r.str())
	return l, r.done()
}
