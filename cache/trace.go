package cache

// Hash is a BLAKE3-256 digest. The zero Hash means "no content".
type Hash [32]byte

// InputKind says what about a path an action depended on.
type InputKind uint8

// The kinds of input.
const (
	InputAbsent  InputKind = iota // nothing was there
	InputExists                   // type, mode, and size of regular files, looked up but not opened
	InputContent                  // the bytes of a regular file
	InputListing                  // the names in a directory
	InputLink                     // the text of a symbolic link
)

// FileStat is what the stat cache keys on: while it is unchanged the content is
// taken as unchanged. Times are nanoseconds since 1970.
type FileStat struct {
	Dev, Ino     uint64
	Size         int64
	Mtime, Ctime int64
	Mode         uint32
}

// Input is one path that an action looked at, with what it saw.
type Input struct {
	Path string // absolute, links resolved; inside the project relative to the tree's root as "./x" so that results travel
	Kind InputKind
	Mode uint32 // type and permission bits, for InputExists and InputContent
	Size int64  // for InputExists of a regular file
	Hash Hash   // of content, names or link text
	// Stat lets a null build see that nothing changed without reading. It is
	// not part of what the input means and not part of any key.
	Stat FileStat
}

// Token is a declared prerequisite that the recipe did not read: a source
// token counts by content (Hash; an empty file by mtime), a target token by the
// run that made it last (Run), an always-run one by its last write.
type Token struct {
	Name  string
	Hash  Hash
	Run   Hash // identity of the prerequisite's last run or restore: its strong key and a serial number
	Mtime int64
}

// EnvInput is an environment variable that mattered.
type EnvInput struct {
	Name  string
	Set   bool
	Value Hash
}

// TypeSegment as the type of an Output says that the action has appended to a file that
// it did not read. Hash and Size are those of what it appended; Mode is the file's.
const TypeSegment = 1

// Output is one version: what an action left at one path.
type Output struct {
	Path   string // as Input.Path
	Type   uint32 // S_IFREG, S_IFDIR, S_IFLNK, ... or TypeSegment; 0: the action left it absent
	Mode   uint32 // permission bits
	Hash   Hash   // content of a regular file
	Size   int64
	Link   string   // text of a symbolic link
	SameAs string   // path of an earlier output of this trace, or of an input, that is the same file (hard link)
	Stat   FileStat // as found after the action; not part of what the output means
}

// Proc is one process of the action's process tree.
type Proc struct {
	Parent int32 // index, -1 for one that fmake started
	Argv   []string
	Dir    string
	Env    []string // what it sets otherwise than its parent: NAME=value, or NAME if it is gone
	Reads  []uint32 // indices into Inputs
	Writes []uint32 // indices into Outputs
}

// Chunk is a piece of captured output.
type Chunk struct {
	Stream uint8 // 1 or 2
	Data   []byte
}

// Origin says where the present state of a target came from.
type Origin uint8

// The origins.
const (
	FromRun     Origin = iota // its recipe ran
	FromCache                 // it was restored
	FromAdopted               // it was found up to date by GNU make's rule and taken over
	FromFar                   // it was restored, and came from another machine
	FromAway                  // its recipe ran on another machine
)

// Trace is what one action did: everything that is needed to know whether it
// still holds, and to have its result without running it.
type Trace struct {
	Target   string   // name in the makefile
	Dir      string   // directory make ran in, relative to the tree's root
	Key      Hash     // of recipe (prefixes and echoes left out), directory, shell, flags
	FullKey  Hash     // the same with the whole recipe text: what a restore compares
	Strong   Hash     // FullKey with the states of all inputs, tokens and variables
	Run      Hash     // identity of this run, for tokens
	Recipe   string   // expanded text, for --explain
	Vars     []string // "NAME=value" of variables named by a recipe that is compared unexpanded
	Inputs   []Input  // sorted by Path
	Tokens   []Token
	Env      []EnvInput
	Outputs  []Output // sorted by Path
	Befores  []Output // for each path of Outputs that existed before: the version it replaced, sorted by Path
	Procs    []Proc
	Chunks   []Chunk // what it printed
	Status   int
	Started  int64  // nanoseconds since 1970
	Duration int64  // nanoseconds
	Serial   uint64 // position in serial order
	Reason   string // why it ran last, one sentence
	From     Origin // where its present state came from
	Flags    TraceFlags
}

// TraceFlags marks traces with special rules.
type TraceFlags uint16

// The flags.
const (
	Provisional  TraceFlags = 1 << iota // adopted by mtime, not from a run
	NoStore                             // not a function of files: never restored
	Stateful                            // keeps its own state (documented list)
	Volatile                            // some $(shell) word is volatile
	Always                              // an always-run recipe
	Native                              // its last run started a program that needs the real tree (setuid)
	Failed                              // the run failed or was cut short: what it left is not good
	Forced                              // it ran because GNU make's rule runs it whatever it has read
	Intermediate                        // its target is an intermediate file, which its make deletes in the end
)
