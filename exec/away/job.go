package away

import "errors"

// Job is what a worker is to do.
type Job struct {
	// Root is where the project is, if the files of the system have been sent with it: the
	// recipe sees nothing else, and all under the names that they have here. SystemHash names
	// these files.
	Root, SystemHash string

	Dir   string // where the recipe begins, below the project's root; "" is the root
	Lines []Line
	Umask uint32
	// Above are the folders above files that the recipe may leave. Whoever runs a worker
	// makes them; those that the recipe is not to find are not in Found.
	Above, Found []string
	// Files are those of the project that have been sent, below its root, with their
	// permissions, which do not travel.
	Files []File
	// Hash are files of the other machine to tell the hashes of, when there is nothing to run.
	Hash []string
}

// File is a file and its permissions.
type File struct {
	Path string
	Mode uint32
}

// Line is one line of a recipe.
type Line struct {
	Echo string // what is printed before it runs, "" for nothing
	Argv []string
}

// How a path was looked at.
const (
	Seen    = 1 << iota // that it is there, or what it is
	Content             // what is in the file
	Listed              // what is in the directory
	Text                // where the link leads
	Absent              // it was not there at first
)

// Look is a path that the recipe has looked at, links resolved but for the last element.
// Paths of the project begin with "./", its root is ".", all others are absolute.
type Look struct {
	Path string
	How  uint64
	Hash string // of a file of the project that was read
}

// Left is what the recipe has left at a path that it has written, below the project's root.
type Left struct {
	Path string
	Type uint32 // as in st_mode; 0 for nothing
	Mode uint32
	Size int64
	Hash string // of a file
	Link string
}

// Proc is a program that the recipe has started.
type Proc struct {
	Parent int // index, -1 for one of the recipe's lines
	Argv   []string
	Dir    string // as in Look
}

// Chunk is a piece of what the recipe has printed, on stream 1 or 2, or 3 for the lines
// themselves.
type Chunk struct {
	Stream int
	Data   string
}

// Report is what a worker tells. It says which job it is about, and hashes in it, BLAKE3 in
// binary, bind what went in and what has come out: who keeps results may have mixed them up.
type Report struct {
	Job    string // hash of the job
	Odd    string // why the result is of no use, "" if it may be
	Holds  bool   // something that it left or printed holds Job.Root
	Status int    // of the line that failed, 0 if none did
	Looks  []Look // sorted
	Left   []Left // sorted
	Procs  []Proc
	Chunks []Chunk
	Hashes []string // of Job.Hash, "" for what cannot be read
	Took   int64    // nanoseconds
}

const version = 1

// Encode writes a job.
func (j *Job) Encode() string {
	w := &writer{}
	w.num(version)
	w.str(j.Root)
	w.str(j.SystemHash)
	w.str(j.Dir)
	w.num(uint64(len(j.Lines)))
	for _, l := range j.Lines {
		w.str(l.Echo)
		w.strs(l.Argv)
	}
	w.num(uint64(j.Umask))
	w.strs(j.Above)
	w.strs(j.Found)
	w.num(uint64(len(j.Files)))
	for _, f := range j.Files {
		w.str(f.Path)
		w.num(uint64(f.Mode))
	}
	w.strs(j.Hash)
	return string(w.b)
}

// errMalformed says that something was written by another program.
var errMalformed = errors.New("it was written by another release of fmake")

// DecodeJob reads a job.
func DecodeJob(text string) (*Job, error) {
	r := &reader{s: text}
	if r.num() != version {
		return nil, errMalformed
	}
	j := &Job{Root: r.str(), SystemHash: r.str(), Dir: r.str()}
	for range r.count() {
		j.Lines = append(j.Lines, Line{r.str(), r.strs()})
	}
	j.Umask = uint32(r.num())
	j.Above, j.Found = r.strs(), r.strs()
	for range r.count() {
		j.Files = append(j.Files, File{r.str(), uint32(r.num())})
	}
	j.Hash = r.strs()
	return j, r.end()
}

// Encode writes a report.
func (p *Report) Encode() string {
	w := &writer{}
	w.num(version)
	w.str(p.Job)
	w.str(p.Odd)
	w.num(map[bool]uint64{true: 1}[p.Holds])
	w.num(uint64(p.Status))
	w.num(uint64(len(p.Looks)))
	for _, l := range p.Looks {
		w.str(l.Path)
		w.num(l.How)
		w.str(l.Hash)
	}
	w.num(uint64(len(p.Left)))
	for _, l := range p.Left {
		w.str(l.Path)
		w.num(uint64(l.Type))
		w.num(uint64(l.Mode))
		w.num(uint64(l.Size))
		w.str(l.Hash)
		w.str(l.Link)
	}
	w.num(uint64(len(p.Procs)))
	for _, x := range p.Procs {
		w.num(uint64(x.Parent + 1))
		w.strs(x.Argv)
		w.str(x.Dir)
	}
	w.num(uint64(len(p.Chunks)))
	for _, c := range p.Chunks {
		w.num(uint64(c.Stream))
		w.str(c.Data)
	}
	w.strs(p.Hashes)
	w.num(uint64(p.Took))
	return string(w.b)
}

// DecodeReport reads a report.
func DecodeReport(text string) (*Report, error) {
	r := &reader{s: text}
	if r.num() != version {
		return nil, errMalformed
	}
	p := &Report{Job: r.str(), Odd: r.str(), Holds: r.num() != 0, Status: int(r.num())}
	for range r.count() {
		p.Looks = append(p.Looks, Look{r.str(), r.num(), r.str()})
	}
	for range r.count() {
		p.Left = append(p.Left, Left{Path: r.str(), Type: uint32(r.num()), Mode: uint32(r.num()), Size: int64(r.num()), Hash: r.str(), Link: r.str()})
	}
	for i := range r.count() {
		x := Proc{Parent: int(r.num()) - 1, Argv: r.strs(), Dir: r.str()}
		if x.Parent >= i {
			return nil, errMalformed
		}
		p.Procs = append(p.Procs, x)
	}
	for range r.count() {
		p.Chunks = append(p.Chunks, Chunk{int(r.num()), r.str()})
	}
	p.Hashes, p.Took = r.strs(), int64(r.num())
	return p, r.end()
}
