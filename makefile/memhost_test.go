package makefile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// memHost is a world in memory: files by name, commands that echo their words,
// and what was printed, as GNU make prints it.
type memHost struct {
	files fstest.MapFS
	out   strings.Builder
	env   []string // of the last command
}

func (h *memHost) ReadFile(name string) ([]byte, error) { return h.files.ReadFile(name) }

func (h *memHost) WriteFile(name string, data []byte, appendTo bool) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	if old := h.files[name]; appendTo && old != nil {
		data = append(append([]byte{}, old.Data...), data...)
	}
	h.files[name] = &fstest.MapFile{Data: data}
	return nil
}

func (h *memHost) Stat(name string) (fs.FileInfo, error) { return h.files.Stat(name) }

func (h *memHost) ReadDir(name string) ([]string, error) {
	entries, err := h.files.ReadDir(name)
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (h *memHost) RealPath(string) (string, error) { return "", fs.ErrNotExist }

func (h *memHost) HomeDir(user string) (string, bool) { return "/home/" + user, user != "nobody" }

// Shell prints the words behind "echo ", and "exit N" sets the status.
func (h *memHost) Shell(c ShellCommand) ShellResult {
	h.env = c.Env
	var status int
	if _, err := fmt.Sscanf(c.Text, "exit %d", &status); err == nil {
		return ShellResult{Status: status}
	}
	text, _ := strings.CutPrefix(c.Text, "echo ")
	return ShellResult{Stdout: []byte(strings.ReplaceAll(text, `\n`, "\n") + "\n")}
}

func (h *memHost) Verbose(func() string) {}

func (h *memHost) Message(kind MessageKind, pos Pos, text string) {
	if kind != MessageInfo {
		h.out.WriteString(place(pos))
	}
	h.out.WriteString(text + "\n")
}

// place is how a message starts.
func place(pos Pos) string {
	if pos.File == "" {
		return "make: "
	}
	return fmt.Sprintf("%s:%d: ", pos.File, pos.Line+pos.Offset)
}

// newTestDB makes a database over files given as name, content, name, content.
func newTestDB(o Options, files ...string) (*Database, *memHost) {
	h := &memHost{files: fstest.MapFS{}}
	for i := 0; i+1 < len(files); i += 2 {
		h.files[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	o.Program, o.WorkDir = "make", "/w"
	return New(h, o), h
}

// readText reads text as the makefile "mk" and returns all that was printed,
// the fatal error included.
func readText(t testing.TB, db *Database, h *memHost, text string) string {
	t.Helper()
	h.files["mk"] = &fstest.MapFile{Data: []byte(text)}
	g := &GoalDep{}
	g.Name = "mk"
	err := db.Catch(func() { db.ReadFile(g) })
	var f *Fatal
	if errors.As(err, &f) {
		h.out.WriteString(place(f.Pos) + "*** " + f.Msg + ".  Stop.\n")
	}
	return h.out.String()
}
