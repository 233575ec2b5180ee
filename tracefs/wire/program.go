package wire

import "strconv"

// Messages between a stub (see Shells) and the client whose view it is in.
const (
	OpProgram Op = iota + 400
	OpProgramEnded
)

// StubSocket is the name of the abstract socket at which the stubs in a view ask, by the
// device number of the view's root directory and the user.
func StubSocket(device uint64, uid int) string {
	return "fmake-program-" + strconv.Itoa(uid) + "-" + strconv.FormatUint(device, 10)
}

// Program asks what to do instead of executing a program. Its descriptors 0, 1 and 2 come
// with it, as far as they are open: FDs has their numbers. The answer is a Verdict.
type Program struct {
	Path    string // as it was executed
	Args    []string
	Env     []string
	Dir     string
	Umask   uint32
	Ignored uint64 // the signals that it ignores
	Limits  string // of its resources, as getrlimit tells them, and more like that
	FDs     []int32
	Others  []string // other descriptors that it inherits: the number, and what /proc names it
}

// Fields implements Message.
func (m *Program) Fields(c *Codec) {
	c.String(&m.Path)
	c.Strings(&m.Args)
	c.Strings(&m.Env)
	c.String(&m.Dir)
	c.Uint32(&m.Umask)
	c.Uint(&m.Ignored)
	c.String(&m.Limits)
	List(c, &m.FDs, func(c *Codec, v *int32) { c.Int32(v) })
	c.Strings(&m.Others)
}

// What a stub is to do.
const (
	BecomeProgram uint32 = iota // execute the program
	StartProgram                // start it, with the descriptors that come with the answer at FDs in place of its own, and tell of its end
	EndProgram                  // end with Status
)

// Verdict says what a stub is to do.
type Verdict struct {
	Do     uint32
	Status uint32
	FDs    []int32
}

// Fields implements Message.
func (m *Verdict) Fields(c *Codec) {
	c.Uint32(&m.Do)
	c.Uint32(&m.Status)
	List(c, &m.FDs, func(c *Codec, v *int32) { c.Int32(v) })
}

// ProgramEnded tells of the end of a program that a stub has started. The stub ends when it
// is answered.
type ProgramEnded struct {
	Status   uint32 // as wait returns it
	Leftover bool   // it has left processes
	Failed   bool   // it could not be started
	Usage    []byte // struct rusage of this machine
}

// Fields implements Message.
func (m *ProgramEnded) Fields(c *Codec) {
	c.Uint32(&m.Status)
	c.Bool(&m.Leftover)
	c.Bool(&m.Failed)
	s := string(m.Usage)
	c.String(&s)
	m.Usage = []byte(s)
}
