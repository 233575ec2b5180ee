package cache

// ShellRun is one run of a command by $(shell).
type ShellRun struct {
	Dir        string
	Path       string // where the program is
	Argv       []string
	Set, Unset []string // how its environment differed from make's
	Printed    string
	Status     int
}

func (s *ShellRun) write(w *writer) {
	w.str(s.Dir)
	w.str(s.Path)
	w.strs(s.Argv)
	w.strs(s.Set)
	w.strs(s.Unset)
	w.str(s.Printed)
	w.int(int64(s.Status))
}

func (s *ShellRun) read(r *reader) {
	s.Dir = r.str()
	s.Path = r.str()
	s.Argv = r.strs()
	s.Set = r.strs()
	s.Unset = r.strs()
	s.Printed = r.str()
	s.Status = int(r.int())
}

// ShellKind says what was learned of a command of $(shell) when it ran traced.
type ShellKind uint8

const (
	// ShellActs: it writes something, or nobody knows. It runs in its place.
	ShellActs ShellKind = iota
	// ShellReads: it writes nothing, but depends on more than files.
	ShellReads
	// ShellHolds: as long as the looks hold it prints the same, and does nothing.
	ShellHolds
)

// TracedShell is a command of $(shell) of which is known what it does.
type TracedShell struct {
	ShellRun
	Kind   ShellKind
	Errors string // what it printed to stderr
}

// TracedShells are all that one make runs; see package exec/idle.
type TracedShells struct {
	Env   Hash     // of what counts of the environment
	Named []string // variables that count although they are the session's
	Tries int      // how often they were traced of late
	Runs  []TracedShell
	Looks Looks // of those that hold
}

const tracedMagic = 0x666d6b7368656c31

// WriteTracedShells writes the file at path, whose folder it makes if need be. It is as
// that of a null build, with another magic and head.
func WriteTracedShells(path string, t *TracedShells) error {
	return writeLooks(path, tracedMagic, &t.Looks, t.writeHead)
}

// OpenTracedShells maps the file at path, as OpenNullBuild does.
func OpenTracedShells(path string) (*TracedShells, error) {
	t := new(TracedShells)
	if err := openLooks(path, tracedMagic, &t.Looks, t.readHead); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *TracedShells) writeHead(w *writer) {
	w.hash(t.Env)
	w.strs(t.Named)
	w.int(int64(t.Tries))
	w.uint(uint64(len(t.Runs)))
	for i := range t.Runs {
		s := &t.Runs[i]
		s.write(w)
		w.byte(byte(s.Kind))
		w.str(s.Errors)
	}
}

func (t *TracedShells) readHead(r *reader) bool {
	t.Env = r.hash()
	t.Named = r.strs()
	t.Tries = int(r.int())
	t.Runs = list(r, func(s *TracedShell) {
		s.read(r)
		s.Kind = ShellKind(r.byte())
		s.Errors = r.str()
	})
	return r.done()
}
