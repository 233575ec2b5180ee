package wire

import "syscall"

// Op names a message.
type Op uint16

// Messages from a client to the server.
const (
	OpHello Op = iota + 1
	OpNewView
	OpFinish
	OpHide
	OpOpen
	OpStat
	OpReadDir
	OpReadlink
	OpAccess
	OpLookPath
	OpStore
	OpSystemLooks
	OpRefresh
	OpReplaceTail
	OpWriting
	OpRecorded
	OpBeginPart
	OpEndPart
	OpLooks
	OpShells
	OpListed
)

// Messages from the server to a client, with a Text. OpLarge tells one that asked for
// it that an action has opened a large system file; OpSaid is a message for the user.
const (
	OpLarge Op = iota + 300
	OpSaid
)

// Messages from the server to the spawner, and back.
const (
	OpSetup Op = iota + 100
	OpAddClient
	OpMountSystem
	OpMountView
	OpRelease
	OpShutdown
	OpInhabited
)

// Messages between a client and the spawner.
const (
	OpStart Op = iota + 200
	OpSignal
	OpExited
)

// ExitKilled is the exit status of a server whose spawner was killed.
const ExitKilled = 128 + 9

// Killed reports whether somebody has ended a process of the engine by a signal. What
// forbids system calls does so, too, and is not meant.
func Killed(ws syscall.WaitStatus) bool { return ws.Signaled() && ws.Signal() != syscall.SIGSYS }

// Hello is what a client says first. Only the engine's first client sets the
// engine up; later ones leave all else but Fifo empty.
type Hello struct {
	CacheDir  string
	Project   string
	System    string
	Native    []string
	StoreArgs []string
	OpenStore bool // the store will be asked for
	Large     bool // to be told of large system files
	Log       string
	Fifo      string // of the client's jobserver, to be removed if the client cannot
}

// Fields implements Message.
func (m *Hello) Fields(c *Codec) {
	c.String(&m.CacheDir)
	c.String(&m.Project)
	c.String(&m.System)
	c.Strings(&m.Native)
	c.Strings(&m.StoreArgs)
	c.Bool(&m.OpenStore)
	c.Bool(&m.Large)
	c.String(&m.Log)
	c.String(&m.Fifo)
}

// Welcome answers Hello. One descriptor comes with it: a connection to the
// spawner.
type Welcome struct {
	Name        string
	Passthrough bool
	Journals    string // folder of the views' journals, "" if none are kept
}

// Fields implements Message.
func (m *Welcome) Fields(c *Codec) {
	c.String(&m.Name)
	c.Bool(&m.Passthrough)
	c.String(&m.Journals)
}

// NewView asks for a view. Its answer is a Ref.
type NewView struct {
	ID      string
	Serial  uint64
	Dir     string
	Hidden  []string
	Targets []string
	Reverse bool
	Parts   bool // parts of what the action does may be recorded by themselves
	Labels  []Label
	Strict  bool // labels must not disagree
}

// Fields implements Message.
func (m *NewView) Fields(c *Codec) {
	c.String(&m.ID)
	c.Uint(&m.Serial)
	c.String(&m.Dir)
	c.Strings(&m.Hidden)
	c.Strings(&m.Targets)
	c.Bool(&m.Reverse)
	c.Bool(&m.Parts)
	List(c, &m.Labels, func(c *Codec, l *Label) { l.Fields(c) })
	c.Bool(&m.Strict)
}

// Ref names a view within its engine.
type Ref struct {
	View uint32
}

// Fields implements Message.
func (m *Ref) Fields(c *Codec) { c.Uint32(&m.View) }

// Hide names paths that are to be absent in a view.
type Hide struct {
	View  uint32
	Paths []string
}

// Fields implements Message.
func (m *Hide) Fields(c *Codec) {
	c.Uint32(&m.View)
	c.Strings(&m.Paths)
}

// Listed says that the names in a directory, which the view has given, count.
type Listed struct {
	View  uint32
	Path  string // absolute
	Names []string
}

// Fields implements Message.
func (m *Listed) Fields(c *Codec) {
	c.Uint32(&m.View)
	c.String(&m.Path)
	c.Strings(&m.Names)
}

// ReplaceTail asks for other bytes from a place in a file to its end.
type ReplaceTail struct {
	Path string
	Mode uint32 // if it has to be made
	At   int64
	Data string
}

// Fields implements Message.
func (m *ReplaceTail) Fields(c *Codec) {
	c.String(&m.Path)
	c.Uint32(&m.Mode)
	c.Int(&m.At)
	c.String(&m.Data)
}

// PathQuery asks about one path on behalf of an action. Flags and Mode mean
// what the operation makes of them: open flags and permissions, access mode,
// or AT_SYMLINK_NOFOLLOW.
type PathQuery struct {
	View  uint32
	Path  string // absolute
	Flags uint32
	Mode  uint32
}

// Fields implements Message.
func (m *PathQuery) Fields(c *Codec) {
	c.Uint32(&m.View)
	c.String(&m.Path)
	c.Uint32(&m.Flags)
	c.Uint32(&m.Mode)
}

// LookPath asks for a command in a list of directories.
type LookPath struct {
	View            uint32
	Name, List, Dir string
}

// Fields implements Message.
func (m *LookPath) Fields(c *Codec) {
	c.Uint32(&m.View)
	c.String(&m.Name)
	c.String(&m.List)
	c.String(&m.Dir)
}

// BeginPart asks for the beginning of a part. With Check it is refused with EBUSY if
// something lives in the view.
type BeginPart struct {
	View  uint32
	Check bool
	Files []string // that nobody but it is to change
	Pid   uint32   // the part is what this process does and those below it, 0 for all of the view
}

// Fields implements Message.
func (m *BeginPart) Fields(c *Codec) {
	c.Uint32(&m.View)
	c.Bool(&m.Check)
	c.Uint32(&m.Pid)
	c.Strings(&m.Files)
}

// EndPart asks for the end of a part, and what was recorded of it.
type EndPart struct {
	View, Pid uint32
}

// Fields implements Message.
func (m *EndPart) Fields(c *Codec) {
	c.Uint32(&m.View)
	c.Uint32(&m.Pid)
}

// Shells asks for a stub in the place of what shells in a view execute, or for the end of
// that. Its answer is a Told.
type Shells struct {
	View    uint32
	On      bool
	Program string   // the path of the stub
	Plain   []string // names of programs that are left alone
}

// Fields implements Message.
func (m *Shells) Fields(c *Codec) {
	c.Uint32(&m.View)
	c.Bool(&m.On)
	c.String(&m.Program)
	c.Strings(&m.Plain)
}

// Told says by which device number a stub finds out where it is.
type Told struct {
	Device uint64
}

// Fields implements Message.
func (m *Told) Fields(c *Codec) { c.Uint(&m.Device) }

// Looks asks what an action would find at paths, each as far as flags of the same place
// say. With Record these become looks of the action. The answer is a record with as many
// looks.
type Looks struct {
	View   uint32
	Paths  []string
	Flags  []uint32
	Record bool
}

// Fields implements Message.
func (m *Looks) Fields(c *Codec) {
	c.Uint32(&m.View)
	c.Strings(&m.Paths)
	List(c, &m.Flags, func(c *Codec, v *uint32) { c.Uint32(v) })
	c.Bool(&m.Record)
	if len(m.Flags) != len(m.Paths) {
		c.fail()
	}
}

// Text is an answer of one string.
type Text struct {
	S string
}

// Fields implements Message.
func (m *Text) Fields(c *Codec) { c.String(&m.S) }

// Texts is an answer of several strings.
type Texts struct {
	S []string
}

// Fields implements Message.
func (m *Texts) Fields(c *Codec) { c.Strings(&m.S) }

// Setup tells the spawner what it mounts besides views.
type Setup struct {
	Native []string // bound natively into every view
	System []string // directories that come from the system mount
}

// Fields implements Message.
func (m *Setup) Fields(c *Codec) {
	c.Strings(&m.Native)
	c.Strings(&m.System)
}

// MountView tells the spawner to put the mount that comes with it in place.
// Its answer is a Mounted.
type MountView struct {
	View uint32
}

// Fields implements Message.
func (m *MountView) Fields(c *Codec) { c.Uint32(&m.View) }

// Mounted says where a view stands in the spawner's mount namespace.
type Mounted struct {
	Root string
}

// Fields implements Message.
func (m *Mounted) Fields(c *Codec) { c.String(&m.Root) }

// Release tells the spawner that an action is over.
type Release struct {
	View uint32
	Kill bool // its processes are not to outlive it
}

// Fields implements Message.
func (m *Release) Fields(c *Codec) {
	c.Uint32(&m.View)
	c.Bool(&m.Kill)
}

// Released answers Release, and OpInhabited, which asks the same of a view by its Ref and
// changes nothing.
type Released struct {
	Leftover bool // processes still live in the view
}

// Fields implements Message.
func (m *Released) Fields(c *Codec) { c.Bool(&m.Leftover) }

// Start tells the spawner to run a command in a view. The descriptors that come
// with it are placed at FDs, in the same order. Its answer is a Started.
type Start struct {
	View  uint32
	Path  string
	Args  []string
	Env   []string
	Dir   string
	Umask uint32
	FDs   []int32
}

// Fields implements Message.
func (m *Start) Fields(c *Codec) {
	c.Uint32(&m.View)
	c.String(&m.Path)
	c.Strings(&m.Args)
	c.Strings(&m.Env)
	c.String(&m.Dir)
	c.Uint32(&m.Umask)
	List(c, &m.FDs, func(c *Codec, v *int32) { c.Int32(v) })
}

// Started is the answer to Start.
type Started struct {
	Pid int32
}

// Fields implements Message.
func (m *Started) Fields(c *Codec) { c.Int32(&m.Pid) }

// Signal tells the spawner to signal a command it started for this client.
type Signal struct {
	Pid int32
	Sig int32
}

// Fields implements Message.
func (m *Signal) Fields(c *Codec) {
	c.Int32(&m.Pid)
	c.Int32(&m.Sig)
}

// Exited is told by the spawner when a command has ended.
type Exited struct {
	Pid    int32
	Status uint32
	Usage  []byte // struct rusage of this machine
}

// Fields implements Message.
func (m *Exited) Fields(c *Codec) {
	c.Int32(&m.Pid)
	c.Uint32(&m.Status)
	s := string(m.Usage)
	c.String(&s)
	m.Usage = []byte(s)
}
