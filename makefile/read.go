package makefile

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"syscall"
)

// Catch runs fn and returns the *Fatal it was stopped by, if any. The database
// can be used further then.
func (db *Database) Catch(fn func()) (err error) {
	saved, root := db.expansion, db.root
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Fatal:
			err = r
			for _, v := range db.active[len(saved.active):] {
				v.expanding, v.expCount = false, 0
			}
			db.expansion, db.root = saved, root
		default:
			panic(r)
		}
	}()
	fn()
	return nil
}

// ReadMakefiles reads makefiles one after the other. Those that cannot be read
// have their Err set.
func (db *Database) ReadMakefiles(names []*GoalDep) {
	for _, g := range names {
		db.ReadFile(g)
	}
}

// ReadFile reads the makefile g.Name and all that it includes. It sets g.File,
// and g.Err if the file could not be read, and adds g to ReadFiles.
func (db *Database) ReadFile(g *GoalDep) {
	name := g.Name
	if !g.NoTilde {
		name = db.Tilde(name)
	}
	if db.nesting++; db.nesting > maxNesting {
		db.fatal(db.reading, errorText(syscall.EMFILE))
	}
	defer func() { db.nesting-- }()
	asked := name // messages call it so, wherever it is found
	g.Name = name
	db.host.Verbose(g.announcement)
	data, err := db.host.ReadFile(name)
	if err != nil && g.Included && errors.Is(err, fs.ErrNotExist) && !strings.HasPrefix(name, "/") {
		name, data, err = db.searchIncluded(name, err)
	}
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, e) {
			db.fatal(db.reading, errorText(err))
		}
	}
	if errors.Is(err, syscall.EISDIR) {
		db.fatal(nil, asked+": "+errorText(err)) // it could be opened: that is no missing file
	}
	g.Err = err
	if g.File = db.Lookup(name); g.File == nil {
		g.File = db.Enter(name)
	}
	name = g.File.Name
	g.Name = ""
	db.ReadFiles = append(db.ReadFiles, g)
	if err != nil {
		return
	}
	db.expect(len(data))
	outer := db.from
	defer func() { db.from = outer }()
	if db.from = 0; g.Included {
		db.from = int32(len(db.ReadFiles))
	}
	db.define(definition{
		name: "MAKEFILE_LIST", value: name, flavor: FlavorAppendValue, origin: OriginFile,
		pos: Pos{File: asked, Line: 1},
	})
	db.evaluate(fileSource(asked, data), !g.NoDefaultGoal)
}

// expect makes room for the files that a makefile of so many bytes is about to
// mention: a table that grows with them moves all of them again and again.
func (db *Database) expect(size int) {
	const large, perFile = 1 << 20, 64
	if size < large || len(db.files) > size/perFile {
		return
	}
	files := make(map[string]*File, size/perFile)
	maps.Copy(files, db.files)
	db.files = files
	db.order = slices.Grow(db.order, size/perFile)
}

// announcement is how messages say that a makefile is read.
func (g *GoalDep) announcement() string {
	text := "Reading makefile '" + g.Name + "'"
	for _, note := range []struct {
		on   bool
		text string
	}{
		{g.NoDefaultGoal, " (no default goal)"},
		{g.Included, " (search path)"},
		{g.DontCare, " (don't care)"},
		{g.NoTilde, " (no ~ expansion)"},
	} {
		if note.on {
			text += note.text
		}
	}
	return text + "..."
}

// searchIncluded looks for an included makefile along the include path.
func (db *Database) searchIncluded(name string, notFound error) (path string, data []byte, err error) {
	for _, dir := range db.includeDirs {
		path = dir + "/" + name
		if data, err = db.host.ReadFile(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return path, data, err
		}
	}
	return name, nil, notFound
}

// EvalString reads text as a makefile of which every line stands at pos.
func (db *Database) EvalString(text string, pos Pos) {
	db.evaluate(&source{text: text, pos: pos, inPlace: true}, true)
}

// maxNesting is how deeply makefiles may include each other. GNU make, which
// keeps all of them open, stops where no more files can be.
const maxNesting = 1000

// evaluate reads a source with conditionals of its own.
func (db *Database) evaluate(src *source, setDefault bool) {
	if db.depth++; db.depth > maxDepth {
		db.fatal(db.errPos(), "makefiles are nested too deeply")
	}
	oldReading, oldConds := db.reading, db.conds
	db.reading, db.conds = &src.pos, &conditionals{}
	r := reader{db: db, src: src, setDefault: setDefault}
	r.run()
	db.reading, db.conds = oldReading, oldConds
	db.depth--
}
