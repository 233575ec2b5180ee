// Package work does what a Job says: it runs the lines of a recipe, watched, and writes a
// Report; or it tells the hashes of files.
package work

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"

	"fmake/exec/away"
	"fmake/exec/away/watch"
)

// Do does what the file of a job says, in the working directory, and writes the report. The
// status is what to end with. inside says that this is the process that Do has started, in
// namespaces of its own, to see nothing but what was sent.
func Do(jobFile, reportFile string, inside bool) (status int, err error) {
	text, err := os.ReadFile(jobFile)
	if err != nil {
		return 0, err
	}
	job, err := away.DecodeJob(string(text))
	if err != nil {
		return 0, err
	}
	if job.Root != "" && !inside {
		return again(jobFile, reportFile)
	}
	root, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return 0, err
	}
	out, err := os.Create(reportFile)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	if inside {
		if err := enter(filepath.Join(root, away.System)); err != nil {
			return 0, err
		}
	}
	report, begun := &away.Report{}, time.Now()
	if len(job.Hash) > 0 {
		report.Hashes = hashes(job.Hash)
	} else if report, err = run(root, job); err != nil {
		report = &away.Report{Odd: err.Error()}
	}
	report.Took = int64(time.Since(begun))
	sum := blake3.Sum256(text)
	report.Job = string(sum[:])
	_, err = out.WriteString(report.Encode())
	return report.Status, err
}

// hashes hashes files as a cache does.
func hashes(paths []string) (list []string) {
	for _, p := range paths {
		list = append(list, hashOf(p))
	}
	return list
}

// hashOf hashes a file, "" for one that cannot be read.
func hashOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := blake3.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return string(h.Sum(nil))
}

// work is one recipe that runs.
type work struct {
	root    string // of the tree, "" if the recipe cannot see it
	sent    string // where the project is there as here, "" if it is not
	project string
	watch   *watch.Recorder
	report  *away.Report
	mu      sync.Mutex // guards what is printed
}

func run(root string, job *away.Job) (*away.Report, error) {
	w := &work{root: root, project: filepath.Join(root, away.Project), report: &away.Report{}}
	if job.Root != "" {
		w.root, w.project, w.sent = "", job.Root, job.Root
	}
	removeAbove(w.project, job)
	if err := permit(w.project, job.Files); err != nil {
		return nil, err
	}
	unix.Umask(int(job.Umask))
	if err := os.Chdir(filepath.Join(w.project, job.Dir)); err != nil {
		return nil, err
	}
	var err error
	if w.watch, err = watch.New(); err != nil {
		return nil, fmt.Errorf("what runs there cannot be watched: %w", err)
	}
	defer w.watch.Close()
	in, err := noInput()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	for _, l := range job.Lines {
		if l.Echo != "" {
			w.print(3, l.Echo+"\n")
		}
		status, err := w.line(l.Argv, in)
		if err != nil {
			return nil, err
		}
		if w.report.Status = status; status != 0 {
			break
		}
	}
	w.tell()
	return w.report, nil
}

// removeAbove removes the folders that are there only because a file is to be left in them.
func removeAbove(project string, job *away.Job) {
	above := slices.Clone(job.Above)
	slices.Sort(above)
	for _, dir := range slices.Backward(above) { // what is below comes before
		if !slices.Contains(job.Found, dir) {
			_ = os.Remove(filepath.Join(project, dir)) // it is not empty if something was sent
		}
	}
}

// permit gives files their permissions, which a recipe may pass on (cp). What was sent may
// be shared with others there, so another file takes its place.
func permit(project string, files []away.File) error {
	for _, f := range files {
		p := filepath.Join(project, f.Path)
		st, err := os.Lstat(p)
		if err != nil {
			return err
		}
		if !st.Mode().IsRegular() || uint32(st.Mode().Perm()) == f.Mode {
			continue
		}
		if err := replace(p, os.FileMode(f.Mode)); err != nil {
			return fmt.Errorf("give a file its permissions: %w", err)
		}
	}
	return nil
}

// replace puts a copy of a file in its place.
func replace(p string, mode os.FileMode) error {
	from, err := os.Open(p)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(filepath.Dir(p), ".fmake")
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	err = errors.Join(err, to.Chmod(mode), to.Close())
	if err == nil {
		err = os.Rename(to.Name(), p)
	}
	if err != nil {
		_ = os.Remove(to.Name())
	}
	return err
}

// noInput is the standard input of a recipe: nothing can be read from it.
func noInput() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	w.Close()
	return r, nil
}

// line runs one line of the recipe.
func (w *work) line(argv []string, in *os.File) (status int, err error) {
	if len(argv) == 0 {
		return 0, nil
	}
	path, ok := w.find(argv[0])
	if !ok {
		return 127, nil
	}
	out, closeOut, err := w.pipe(1)
	if err != nil {
		return 0, err
	}
	errs, closeErrs, err := w.pipe(2)
	if err != nil {
		closeOut()
		return 0, err
	}
	ws, err := w.watch.Run(path, argv, os.Environ(), in, out, errs)
	closeOut()
	closeErrs()
	switch {
	case err == unix.ENOEXEC, err == unix.EACCES, err == unix.ENOENT:
		return 127, nil
	case err != nil:
		return 0, err
	case ws.Signaled():
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

// find finds a program along PATH. Where it is looked for in vain counts, too.
func (w *work) find(name string) (string, bool) {
	if strings.Contains(name, "/") {
		w.watch.Note(name)
		return name, true
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		p := filepath.Join(dir, name)
		if !filepath.IsAbs(p) {
			p = "./" + p
		}
		w.watch.Note(p)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return p, true
		}
	}
	return "", false
}

// pipe takes what is printed on one stream.
func (w *work) pipe(stream int) (end *os.File, finish func(), err error) {
	r, end, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := r.Read(buf)
			if n > 0 {
				w.print(stream, string(buf[:n]))
			}
			if err != nil {
				return
			}
		}
	}()
	return end, func() { end.Close(); <-done }, nil
}

func (w *work) print(stream int, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.report.Chunks); n > 0 && w.report.Chunks[n-1].Stream == stream {
		w.report.Chunks[n-1].Data += text
		return
	}
	w.report.Chunks = append(w.report.Chunks, away.Chunk{Stream: stream, Data: text})
}

// tell fills in what was seen.
func (w *work) tell() {
	p := w.report
	p.Odd = w.watch.Odd()
	looks := w.watch.Looks()
	for _, path := range slices.Sorted(maps.Keys(looks)) {
		l := away.Look{Path: w.key(path), How: looks[path]}
		if strings.HasPrefix(l.Path, "./") && l.How&away.Content != 0 {
			l.Hash = hashOf(path)
		}
		p.Looks = append(p.Looks, l)
	}
	for _, path := range slices.Sorted(maps.Keys(w.watch.Written())) {
		p.Left = append(p.Left, w.left(path))
	}
	p.Procs = w.watch.Procs()
	for i := range p.Procs {
		p.Procs[i].Dir = w.key(p.Procs[i].Dir)
	}
	for _, c := range p.Chunks {
		w.mayHold([]byte(c.Data), "what it prints")
	}
}

// mayHold notes that a text holds a path: that where the recipe ran is another one each
// time, so that the text is of no use.
func (w *work) mayHold(text []byte, what string) {
	if w.root != "" && bytes.Contains(text, []byte(w.root)) {
		w.odd(what + " holds the path where it ran")
	}
	if w.sent != "" && bytes.Contains(text, []byte(w.sent)) {
		w.report.Holds = true
	}
}

func (w *work) odd(why string) {
	if w.report.Odd == "" {
		w.report.Odd = why
	}
}

// key is how a report calls a path.
func (w *work) key(path string) string {
	if path == w.project {
		return "."
	}
	if rest, ok := strings.CutPrefix(path, w.project+"/"); ok {
		return "./" + rest
	}
	return path
}

// left is what is at a path now.
func (w *work) left(path string) away.Left {
	l := away.Left{Path: w.key(path)}
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil {
		return l
	}
	l.Type, l.Mode, l.Size = st.Mode&unix.S_IFMT, st.Mode&0o7777, st.Size
	switch l.Type {
	case unix.S_IFLNK:
		l.Link, _ = os.Readlink(path)
		w.mayHold([]byte(l.Link), "a link that it leaves")
	case unix.S_IFREG:
		l.Hash = hashOf(path)
		if st.Nlink > 1 {
			w.odd("a file that it leaves has two names")
		}
		w.search(path)
	}
	return l
}

// search looks through a file for paths.
func (w *work) search(path string) {
	f, err := os.Open(path)
	if err != nil {
		w.odd("what it leaves cannot be read")
		return
	}
	defer f.Close()
	longest := max(len(w.root), len(w.sent))
	buf := make([]byte, 256<<10+longest)
	for kept := 0; ; {
		n, err := f.Read(buf[kept:])
		data := buf[:kept+n]
		w.mayHold(data, "what it leaves")
		if err != nil {
			if err != io.EOF {
				w.odd("what it leaves cannot be read")
			}
			return
		}
		kept = copy(buf, data[max(0, len(data)-longest+1):])
	}
}
